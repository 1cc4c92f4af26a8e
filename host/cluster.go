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

// Broker says how the nodes of a cluster reach each other. The zero value: this
// host is alone.
type Broker struct {
	// URL of a Redis: redis://[user:password@]host:port[/db], rediss:// for TLS,
	// with ?addr=host:port for more nodes of a Redis Cluster, or ?master_set=name
	// for sentinels; unix:///path for a socket of this machine.
	URL string
	// CA is a file (PEM) with the certificates of the authorities that are trusted for
	// rediss://. Empty: the system's.
	CA string
	// Prefix begins the names of all keys and channels in Redis. Empty: "azuhost".
	Prefix string
	// Required has New fail when Redis can not be reached within 10 s. Without it
	// the host starts alone and joins the others when it can.
	Required bool
	// Timeout is how long Redis may take for an answer before the link counts as
	// broken. 0: 1 s.
	Timeout time.Duration
	// TTL is how long a node that died is believed to be there. 0: 10 s.
	TTL time.Duration
	// MaxQueue bounds what waits for Redis, in bytes. 0: 16 MiB.
	MaxQueue int

	offline bool // nothing is connected: nothing is served
}

// requiredTime is how long New waits for a broker that is required.
const requiredTime = 10 * time.Second

// openBroker begins to link this host with the others.
func (h *Host) openBroker(o Broker) (err error) {
	if o.URL == "" {
		return nil
	}
	trust, err := trustFile(o.CA)
	if err != nil {
		return fmt.Errorf("Broker.CA (broker.ca): %w", err)
	}
	opts := broker.Options{
		URL: o.URL, TLS: trust, Node: h.node, Prefix: o.Prefix, Timeout: o.Timeout, TTL: o.TTL, MaxQueue: o.MaxQueue, Log: h.log,
		Deliver: h.deliverTopic, Advance: h.passTopic, SetPosition: h.placeTopic, Presence: h.remotePresence, Command: h.command,
	}
	if o.offline {
		return opts.Validate()
	}
	h.broker, err = broker.New(opts)
	// A history keeps for whom a message was not: the next process of this name must not
	// give the same ids to others. They stay below 2^53.
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

// trustFile reads certificates of authorities; nil: there is no file.
func trustFile(file string) (*tls.Config, error) {
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

// roomTopic is what the broker calls a room.
func (rt *routeRuntime) roomTopic(name string) broker.Topic {
	return broker.Topic{Route: rt.pattern, Kind: broker.Room, Name: name, Size: rt.history.Size, TTL: rt.history.TTL}
}

func (rt *routeRuntime) userTopic(name string) broker.Topic {
	return broker.Topic{Route: rt.pattern, Kind: broker.User, Name: name}
}

func (rt *routeRuntime) allTopic() broker.Topic {
	return broker.Topic{Route: rt.pattern, Kind: broker.Route}
}

// follow has the broker deliver what is for those who are connected here. The
// hub calls it with its locks held.
func (rt *routeRuntime) follow(k hub.TopicKind, name string, here bool) {
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

// deliverTopic gives messages from the broker to the members here, and says
// how many got the last of them.
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
			outbox.Deliver([]byte(t.Name), m.Frame, except, at)
		default:
			outbox.Broadcast([]byte(t.Name), m.Frame, except)
		}
	}
	outbox.Flush()
	return outbox.Reached
}

// passTopic says that a room's members have a message already.
func (h *Host) passTopic(t broker.Topic, at broker.Position) {
	if rt := h.runtime(t.Route); rt != nil && t.Kind == broker.Room && t.Size > 0 {
		outbox := hub.Outbox{Hub: rt.hub}
		outbox.Pass([]byte(t.Name), frame.Position(at))
		outbox.Flush()
	}
}

// placeTopic says where a room stands.
func (h *Host) placeTopic(t broker.Topic, at broker.Position) {
	if rt := h.runtime(t.Route); rt != nil && t.Kind == broker.Room && t.Size > 0 {
		rt.hub.Place(t.Name, frame.Position(at))
	}
}

// command does what another node asks for.
func (h *Host) command(c broker.Command) int {
	rt := h.runtime(c.Route)
	if rt == nil {
		return 0
	}
	outbox := hub.Outbox{Hub: rt.hub}
	defer outbox.Flush()
	return rt.closeConn(&outbox, c.Conn, c.Close.Code, c.Close.Reason)
}

// missedSince gives the messages of a room after an offset. Except is left in those that are not for
// a client: for its connection here, or the one that it had before, by name.
func (rt *routeRuntime) missedSince(room, epoch string, offset, conn uint64, before string) (entries []hub.Entry, at frame.Position, ok bool, err error) {
	node, id, err := parseClusterConnID(before)
	if err != nil {
		node, id = "", 0 // it is not known
	}
	excepted := func(at string, except uint64) uint64 {
		if at == rt.host.node && except == conn || at == node && except == id {
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
	found, stands, ok, err := rt.host.broker.Since(context.Background(), rt.roomTopic(room), epoch, offset)
	for _, e := range found {
		entries = append(entries, hub.Entry{Offset: e.Offset, Frame: e.Frame, Except: excepted(e.Node, e.Except)})
	}
	return entries, frame.Position(stands), ok, err
}

// nodes lists all nodes, this one first.
func (h *Host) nodes() []string {
	names := []string{h.node}
	if h.broker != nil {
		names = append(names, h.broker.Nodes()...)
	}
	return names
}

// brokerNote is what /readyz says of the broker. A node without a link serves its own
// members, and all nodes are without one when Redis is away: they stay ready.
func (h *Host) brokerNote() string {
	if h.broker == nil || h.broker.Up() {
		return ""
	}
	return "degraded: no link to the other nodes\n"
}

// closeBroker sends what waits and says goodbye.
func (h *Host) closeBroker(ctx context.Context) error {
	if h.broker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.config.Load().Broker.Timeout)
	defer cancel()
	return h.broker.Close(ctx)
}
