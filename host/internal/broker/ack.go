package broker

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Receipt says how far a message has gone.
type Receipt struct {
	Sockets  int
	Nodes    []string // with at least one of them, sorted
	Position          // that the message got; zero: none yet
	Partial  bool     // not every node has answered, or the link is broken
}

// ackTime is how long nodes may take to say how many sockets they reached.
const ackTime = 500 * time.Millisecond

// acks counts answers to messages whose sender wants to know.
type acks struct {
	mu      sync.Mutex
	waiting map[uint64]*receipt
}

type receipt struct {
	Receipt
	need, got int  // answers; need -1: not known yet
	alone     bool // it went without Redis: others do not answer
	done      chan struct{}
}

func (a *acks) open(id uint64, need int) *receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &receipt{need: need, done: make(chan struct{})}
	a.waiting[id] = r
	return r
}

// alone says that a message went to sockets of this node, and not by Redis.
func (a *acks) alone(id uint64, node string, sockets int) {
	if id == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.waiting[id]; r != nil {
		r.alone = true
		r.reached(node, sockets)
		r.look()
	}
}

// landed says how many nodes will answer, and what position the message has got.
func (a *acks) landed(id uint64, nodes int, at Position) {
	if id == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.waiting[id]; r != nil {
		r.need, r.Position = nodes, at
		r.look()
	}
}

// add takes the answer of a node.
func (a *acks) add(id uint64, node string, sockets int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.waiting[id]
	if r == nil {
		return // too late
	}
	r.got++
	r.reached(node, sockets)
	r.look()
}

func (r *receipt) reached(node string, sockets int) {
	if sockets == 0 {
		return
	}
	r.Sockets += sockets
	if i, known := slices.BinarySearch(r.Nodes, node); !known {
		r.Nodes = slices.Insert(r.Nodes, i, node)
	}
}

// look ends the wait when all have answered; acks.mu is held.
func (r *receipt) look() {
	if r.alone || r.need >= 0 && r.got >= r.need {
		select {
		case <-r.done:
		default:
			close(r.done)
		}
	}
}

func (a *acks) close(id uint64) Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.waiting[id]
	delete(a.waiting, id)
	r.Partial = r.alone || r.need < 0 || r.got < r.need
	return r.Receipt
}

// wait waits for the answers, but not beyond until.
func (a *acks) wait(ctx context.Context, id uint64, r *receipt, until time.Time) Receipt {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-r.done:
	case <-t.C:
	case <-ctx.Done():
	}
	return a.close(id)
}

// answer tells the node that published messages how many sockets they reached; x.mu is
// held, so it may not wait.
func (b *Broker) answer(messages []Message, sockets int) {
	for i := range messages {
		m := &messages[i]
		switch {
		case m.ack == 0:
		case m.Node == b.o.Node:
			b.acks.add(m.ack, m.Node, sockets)
		default:
			b.tell(b.channelNode(m.Node), control{Kind: kindAck, Ack: m.ack, Sockets: sockets})
		}
	}
}

// Pending is a message whose Receipt is to come. Somebody has to wait for it.
type Pending struct {
	b     *Broker
	id    uint64
	r     *receipt
	until time.Time
}

// PublishAsk is Publish of a message whose Receipt is wanted.
func (b *Broker) PublishAsk(t Topic, m Message) Pending {
	m.ack = b.nextID.Add(1)
	p := Pending{b, m.ack, b.acks.open(m.ack, -1), time.Now().Add(ackTime)}
	b.Publish(t, m)
	return p
}

// Wait says how far the message went. It waits for ackTime from the publication on, so
// that many that were published together take no longer than one.
func (p Pending) Wait(ctx context.Context) Receipt { return p.b.acks.wait(ctx, p.id, p.r, p.until) }

// PublishWait is Publish that says how far the message went.
func (b *Broker) PublishWait(ctx context.Context, t Topic, m Message) Receipt {
	return b.PublishAsk(t, m).Wait(ctx)
}

// Command asks another node for something, and says for how many sockets it
// was done. false: the node has not answered.
func (b *Broker) Command(ctx context.Context, node string, c Command) (sockets int, ok bool) {
	if !b.up.Load() {
		return 0, false
	}
	id := b.nextID.Add(1)
	r := b.acks.open(id, 1)
	b.tell(b.channelNode(node), control{Kind: kindCommand, Ack: id, Command: &c})
	rc := b.acks.wait(ctx, id, r, time.Now().Add(ackTime))
	return rc.Sockets, !rc.Partial
}
