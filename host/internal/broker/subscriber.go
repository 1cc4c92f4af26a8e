package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/rueidis"
)

// subscriber has the subscribing connections of a link: one and, in a Redis Cluster with sharded
// publications, one more to each master. runLink owns it; mu guards leaving.
type subscriber struct {
	b      *Broker
	conn   rueidis.DedicatedClient            // cluster messages and, without sharding, all topics
	slots  []slotRange                        // nil: publications are not sharded
	shards map[string]rueidis.DedicatedClient // by address of the master
	wg     sync.WaitGroup

	mu      sync.Mutex
	leaving map[string]bool // channels that this node unsubscribes
}

// openSubscriber connects and subscribes to the cluster messages.
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

// connect returns a subscribing connection. The link breaks when it ends.
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

// close ends all connections and waits for their goroutines.
func (s *subscriber) close() {
	s.conn.Close()
	for _, c := range s.shards {
		c.Close()
	}
	s.wg.Wait()
}

// onSubscription breaks the link if a Redis Cluster has moved a topic to another master, which ends
// its subscription.
func (s *subscriber) onSubscription(n rueidis.PubSubSubscription) {
	if n.Kind != "sunsubscribe" {
		return
	}
	s.mu.Lock()
	own := s.leaving[n.Channel]
	delete(s.leaving, n.Channel)
	s.mu.Unlock()
	if !own {
		s.b.failLink(errors.New("the Redis Cluster has moved a slot"))
	}
}

// change subscribes topics, or unsubscribes them.
func (s *subscriber) change(add bool, topics []*topic) error {
	channels := make([]string, len(topics))
	for i, tp := range topics {
		channels[i] = tp.channel
	}
	if s.slots == nil {
		return s.changeClassic(add, channels)
	}
	return s.changeSharded(add, channels)
}

func (s *subscriber) changeClassic(add bool, channels []string) error {
	ctx, cancel := context.WithTimeout(s.b.ctx, s.b.opts.Timeout)
	defer cancel()
	cmd := s.conn.B().Unsubscribe().Channel(channels...).Build()
	if add {
		cmd = s.conn.B().Subscribe().Channel(channels...).Build()
	}
	if err := s.conn.Do(ctx, cmd).Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// changeSharded sends each channel to the master of its slot.
func (s *subscriber) changeSharded(add bool, channels []string) error {
	ctx, cancel := context.WithTimeout(s.b.ctx, s.b.opts.Timeout)
	defer cancel()
	cmds := map[string]rueidis.Commands{}
	s.mu.Lock()
	for _, channel := range channels {
		cmd := s.b.client.B().Sunsubscribe().Channel(channel).Build()
		if add {
			cmd = s.b.client.B().Ssubscribe().Channel(channel).Build()
		} else {
			s.leaving[channel] = true
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

// masterOf returns the address of the master that has a slot; empty: none has it.
func (s *subscriber) masterOf(slot int64) string {
	for _, r := range s.slots {
		if r.from <= slot && slot <= r.to {
			return r.addr
		}
	}
	return ""
}

// shardConn returns the connection to a master, which it opens if there is none.
func (s *subscriber) shardConn(addr string) (rueidis.DedicatedClient, error) {
	if c := s.shards[addr]; c != nil {
		return c, nil
	}
	node := s.b.client.Nodes()[addr]
	if node == nil {
		return nil, fmt.Errorf("a slot of the Redis Cluster is at %q, which is not known", addr)
	}
	s.shards[addr] = s.connect(node)
	return s.shards[addr], nil
}
