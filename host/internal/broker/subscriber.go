package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/redis/rueidis"
)

// subscriber is what hears, while the link is up: one connection, and in a
// Redis Cluster that offers sharded publications one more to each of its masters.
type subscriber struct {
	b      *Broker
	conn   rueidis.DedicatedClient // the control channels, and without slots all topics
	slots  []slotRange             // nil: publications are not sharded
	shards map[string]rueidis.DedicatedClient
	wg     sync.WaitGroup

	mu      sync.Mutex
	leaving map[string]bool // channels that this node itself has left
}

// slots are a part of a Redis Cluster.
type slotRange struct {
	from, to int64
	addr     string // of its master
}

// openSubscriber connects, and hears the control channels.
func (b *Broker) openSubscriber() (_ *subscriber, err error) {
	s := &subscriber{b: b, shards: map[string]rueidis.DedicatedClient{}, leaving: map[string]bool{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.conn = s.connect(b.client)
	if err := s.changeClassic(true, []string{b.clusterChannel(), b.nodeChannel(b.opts.Node)}); err != nil {
		return nil, err
	}
	b.clustered.Store(b.client.Mode() == rueidis.ClientModeCluster)
	if b.clustered.Load() && !b.opts.noSharding {
		if s.slots, err = b.readSlots(); err != nil {
			return nil, err
		}
	}
	b.sharded.Store(s.slots != nil)
	return s, nil
}

// connect gives a connection that hears.
func (s *subscriber) connect(client rueidis.Client) rueidis.DedicatedClient {
	c, _ := client.Dedicate() // Close releases it
	broken := c.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: s.b.onPublication, OnSubscription: s.onSubscription})
	s.wg.Go(func() {
		err := <-broken
		if err == nil {
			err = errors.New("the connection ended")
		}
		s.b.failLink(fmt.Errorf("subscription: %w", err))
	})
	return c
}

// close ends all connections: what they have subscribed is not to be met again.
func (s *subscriber) close() {
	s.conn.Close()
	for _, c := range s.shards {
		c.Close()
	}
	s.wg.Wait()
}

// noticed looks for topics that a cluster has moved to another node: the link
// begins anew.
func (s *subscriber) onSubscription(n rueidis.PubSubSubscription) {
	if n.Kind != "sunsubscribe" {
		return
	}
	s.mu.Lock()
	ours := s.leaving[n.Channel]
	delete(s.leaving, n.Channel)
	s.mu.Unlock()
	if !ours {
		s.b.failLink(errors.New("a part of the Redis Cluster has moved"))
	}
}

// change subscribes topics, or unsubscribes them.
func (s *subscriber) change(add bool, topics []*topic) error {
	names := make([]string, len(topics))
	for i, x := range topics {
		names[i] = x.channel
	}
	if s.slots == nil {
		return s.changeClassic(add, names)
	}
	return s.changeSharded(add, names)
}

func (s *subscriber) changeClassic(add bool, names []string) error {
	ctx, cancel := context.WithTimeout(s.b.ctx, s.b.opts.Timeout)
	defer cancel()
	cmd := s.conn.B().Unsubscribe().Channel(names...).Build()
	if add {
		cmd = s.conn.B().Subscribe().Channel(names...).Build()
	}
	if err := s.conn.Do(ctx, cmd).Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// sharded is change where each master has its own topics.
func (s *subscriber) changeSharded(add bool, names []string) error {
	ctx, cancel := context.WithTimeout(s.b.ctx, s.b.opts.Timeout)
	defer cancel()
	cmds := map[string]rueidis.Commands{}
	s.mu.Lock()
	for _, name := range names {
		cmd := s.b.client.B().Sunsubscribe().Channel(name).Build()
		if add {
			cmd = s.b.client.B().Ssubscribe().Channel(name).Build()
		} else {
			s.leaving[name] = true
		}
		addr := s.masterOf(int64(cmd.Slot()))
		cmds[addr] = append(cmds[addr], cmd)
	}
	s.mu.Unlock()
	for addr, multi := range cmds {
		c, err := s.shardConn(addr)
		if err != nil {
			return err
		}
		for _, r := range c.DoMulti(ctx, multi...) {
			if err := r.Error(); err != nil {
				return fmt.Errorf("subscribe at %s: %w", addr, err)
			}
		}
	}
	return nil
}

// master is the address of the master that has a slot; empty: none has it.
func (s *subscriber) masterOf(slot int64) string {
	for _, part := range s.slots {
		if part.from <= slot && slot <= part.to {
			return part.addr
		}
	}
	return ""
}

// shard gives the connection to a master.
func (s *subscriber) shardConn(addr string) (rueidis.DedicatedClient, error) {
	if c := s.shards[addr]; c != nil {
		return c, nil
	}
	node := s.b.client.Nodes()[addr]
	if node == nil {
		return nil, fmt.Errorf("a part of the Redis Cluster is at %q, which is not known", addr)
	}
	s.shards[addr] = s.connect(node)
	return s.shards[addr], nil
}

// findSlots asks a Redis Cluster for its parts. nil: it has no sharded publications.
func (b *Broker) readSlots() (parts []slotRange, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	known, err := b.client.Do(ctx, b.client.B().Arbitrary("COMMAND", "INFO", "SPUBLISH").Build()).ToArray()
	var refused *rueidis.RedisError
	switch {
	case errors.As(err, &refused) && !breaksLink(refused):
		return nil, nil // the user may not ask
	case err != nil:
		return nil, fmt.Errorf("what Redis can do: %w", err)
	case len(known) != 1 || known[0].IsNil():
		return nil, nil // older than 7
	}
	values, err := b.client.Do(ctx, b.client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("the parts of the Redis Cluster: %w", err)
	}
	for _, v := range values {
		part, err := parseSlotRange(v)
		if err != nil {
			return nil, fmt.Errorf("the parts of the Redis Cluster: %w", err)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, errors.New("the Redis Cluster has no parts")
	}
	return parts, nil
}

// parseSlots reads: from, to, and nodes, the master first: host, port, …
func parseSlotRange(m rueidis.RedisMessage) (part slotRange, err error) {
	bad := errors.New("an answer of another form")
	v, err := m.ToArray()
	if err != nil || len(v) < 3 {
		return part, bad
	}
	master, err := v[2].ToArray()
	if err != nil || len(master) < 2 {
		return part, bad
	}
	var e [4]error
	var host string
	var port int64
	part.from, e[0] = v[0].AsInt64()
	part.to, e[1] = v[1].AsInt64()
	host, e[2] = master[0].ToString()
	port, e[3] = master[1].AsInt64()
	if err := errors.Join(e[:]...); err != nil {
		return part, bad
	}
	part.addr = net.JoinHostPort(host, strconv.FormatInt(port, 10))
	return part, nil
}
