package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// Broker configures the link between the nodes of a cluster. With the zero value the host is the only
// node.
type Broker struct {
	// URL is the address of Redis: redis://[user:password@]host:port[/db], rediss:// for TLS, with
	// ?addr=host:port for more nodes of a Redis Cluster, or ?master_set=name for sentinels;
	// unix:///path for a socket.
	URL string
	// CA is a PEM file with the certificates of the authorities trusted for rediss://. Empty: those of
	// the system.
	CA string
	// Prefix begins the names of all keys and channels in Redis. Empty: "azuhost".
	Prefix string
	// Required makes New fail if Redis cannot be reached within 10 s. Otherwise the host starts alone
	// and joins the other nodes when it can.
	Required bool
	// Timeout limits the time that Redis may take to answer before the link counts as broken. 0: 1 s.
	Timeout time.Duration
	// TTL is how long a silent node counts as present. 0: 10 s.
	TTL time.Duration
	// MaxQueue limits the messages that wait for Redis, in bytes. 0: 16 MiB.
	MaxQueue int

	offline bool // validate only: nothing is connected or served
}

// requiredTime limits the time that New waits for a required broker.
const requiredTime = 10 * time.Second

// openBroker creates the broker if one is configured, and waits for its link if that is required.
func (h *Host) openBroker(o Broker) (err error) {
	if o.URL == "" {
		return nil
	}
	trust, err := trustedAuthorities(o.CA)
	if err != nil {
		return fmt.Errorf("Broker.CA (broker.ca): %w", err)
	}
	opts := broker.Options{
		URL: o.URL, TLS: trust, Node: h.node, Prefix: o.Prefix,
		Timeout: o.Timeout, TTL: o.TTL, MaxQueue: o.MaxQueue, Log: h.log,
		Deliver: h.deliverTopic, Advance: h.advanceTopic, SetPosition: h.setTopicPosition,
		Presence: h.recordRemotePresence, Command: h.runCommand,
	}
	if o.offline {
		return opts.Validate()
	}
	h.broker, err = broker.New(opts)
	// A history keeps the ids of excepted connections, so the next process of this name must not reuse
	// them. Ids stay below 2^53.
	h.nextID.Store(uint64(time.Now().UnixMilli()) << 10)
	if err != nil || !o.Required {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), requiredTime)
	defer cancel()
	if err := h.broker.Wait(ctx); err != nil {
		return fmt.Errorf("%w; without Broker.Required (broker.required) the host starts alone", err)
	}
	return nil
}

// trustedAuthorities returns a TLS configuration that trusts the authorities in a file, or nil without
// a file.
func trustedAuthorities(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return &tls.Config{RootCAs: roots}, nil
}

// roomTopic, userTopic and allTopic return the topics of a room, a user and the whole route.
func (rt *routeRuntime) roomTopic(name string) broker.Topic {
	return broker.Topic{Route: rt.pattern, Kind: broker.Room, Name: name, Size: rt.history.Size, TTL: rt.history.TTL}
}

func (rt *routeRuntime) userTopic(name string) broker.Topic {
	return broker.Topic{Route: rt.pattern, Kind: broker.User, Name: name}
}

func (rt *routeRuntime) allTopic() broker.Topic {
	return broker.Topic{Route: rt.pattern, Kind: broker.Route}
}

// setSubscribed subscribes a room or a user while it has connections here. The hub calls it with its
// locks held.
func (rt *routeRuntime) setSubscribed(k hub.TopicKind, name string, here bool) {
	t := rt.userTopic(name)
	if k == hub.RoomTopic {
		t = rt.roomTopic(name)
	}
	if here {
		rt.host.broker.Subscribe(t)
	} else {
		rt.host.broker.Unsubscribe(t)
	}
}

// deliverTopic delivers messages of the broker to the members here and returns the number of
// connections that the last of them reached.
func (h *Host) deliverTopic(t broker.Topic, first broker.Position, messages []broker.Message) (sockets int) {
	rt := h.runtime(t.Route)
	if rt == nil {
		return 0
	}
	outbox := hub.Outbox{Hub: rt.hub}
	for i := range messages {
		m := &messages[i]
		var except uint64
		if m.Node == h.node {
			except = m.Except
		}
		outbox.Reached = 0
		switch at := (frame.Position{Epoch: first.Epoch, Offset: first.Offset + uint64(i)}); {
		case m.Close != nil:
			outbox.Reached = rt.closeUser(&outbox, t.Name, m.Close.Code, m.Close.Reason)
		case t.Kind == broker.User:
			outbox.SendUser([]byte(t.Name), m.Frame)
		case t.Kind == broker.Route:
			outbox.BroadcastAll(m.Frame, except)
		case first.Offset > 0 && t.Size > 0:
			outbox.BroadcastAt([]byte(t.Name), m.Frame, except, at)
		default:
			outbox.Broadcast([]byte(t.Name), m.Frame, except)
		}
	}
	outbox.Flush()
	return outbox.Reached
}

// advanceTopic moves the position of a room over a message that its members already have.
func (h *Host) advanceTopic(t broker.Topic, at broker.Position) {
	if rt := h.runtime(t.Route); rt != nil && t.Kind == broker.Room && t.Size > 0 {
		outbox := hub.Outbox{Hub: rt.hub}
		outbox.SkipPosition([]byte(t.Name), frame.Position(at))
		outbox.Flush()
	}
}

// setTopicPosition sets the position of a room.
func (h *Host) setTopicPosition(t broker.Topic, at broker.Position) {
	if rt := h.runtime(t.Route); rt != nil && t.Kind == broker.Room && t.Size > 0 {
		rt.hub.SetPosition(t.Name, frame.Position(at))
	}
}

// runCommand runs a command of another node and returns the number of connections it closed.
func (h *Host) runCommand(c broker.Command) int {
	rt := h.runtime(c.Route)
	if rt == nil {
		return 0
	}
	outbox := hub.Outbox{Hub: rt.hub}
	defer outbox.Flush()
	return rt.closeConn(&outbox, c.Conn, c.Close.Code, c.Close.Reason)
}

// missedSince returns the messages of a room after an offset, and the position of the room. ok is false
// if the history does not have all of them. Except stays set in messages that the client must not get:
// those that except its connection conn on this node, or the connection previous, by its name, that it
// had before.
func (rt *routeRuntime) missedSince(room, epoch string, offset, conn uint64, previous string) (
	entries []hub.Entry, at frame.Position, ok bool, err error,
) {
	node, id, err := parseClusterConnID(previous)
	if err != nil {
		node, id = "", 0
	}
	excepted := func(on string, except uint64) uint64 {
		if on == rt.host.node && except == conn || on == node && except == id {
			return except
		}
		return 0
	}
	if rt.host.broker == nil {
		entries, at, ok = rt.hub.Since(room, epoch, offset)
		for i := range entries {
			entries[i].Except = excepted(rt.host.node, entries[i].Except)
		}
		return entries, at, ok, nil
	}
	found, position, ok, err := rt.host.broker.Since(context.Background(), rt.roomTopic(room), epoch, offset)
	for _, e := range found {
		entries = append(entries, hub.Entry{Offset: e.Offset, Frame: e.Frame, Except: excepted(e.Node, e.Except)})
	}
	return entries, frame.Position(position), ok, err
}

// nodes returns the names of all nodes, this one first.
func (h *Host) nodes() []string {
	names := []string{h.node}
	if h.broker != nil {
		names = append(names, h.broker.Nodes()...)
	}
	return names
}

// brokerNote returns the note of Ready about the broker, or "" while the link is up. A node without a
// link stays ready: it serves its own members, and when Redis is down no node has a link.
func (h *Host) brokerNote() string {
	if h.broker == nil || h.broker.Up() {
		return ""
	}
	return "degraded: no link to the other nodes"
}

// closeBroker sends queued messages, announces the leave and closes the broker, within its timeout.
func (h *Host) closeBroker(ctx context.Context) error {
	if h.broker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.config.Load().Broker.Timeout)
	defer cancel()
	return h.broker.Close(ctx)
}
