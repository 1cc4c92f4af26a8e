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
const ackTimeout = 500 * time.Millisecond

// acks counts answers to messages whose sender wants to know.
type receiptTracker struct {
	mu      sync.Mutex
	waiting map[uint64]*openReceipt
}

type openReceipt struct {
	Receipt
	expected, answers int  // answers; need -1: not known yet
	localOnly         bool // it went without Redis: others do not answer
	done              chan struct{}
}

func (a *receiptTracker) open(id uint64, need int) *openReceipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &openReceipt{expected: need, done: make(chan struct{})}
	a.waiting[id] = r
	return r
}

// alone says that a message went to sockets of this node, and not by Redis.
func (a *receiptTracker) deliveredLocally(id uint64, node string, sockets int) {
	if id == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.waiting[id]; r != nil {
		r.localOnly = true
		r.addSockets(node, sockets)
		r.finishIfComplete()
	}
}

// landed says how many nodes will answer, and what position the message has got.
func (a *receiptTracker) accepted(id uint64, nodes int, at Position) {
	if id == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.waiting[id]; r != nil {
		r.expected, r.Position = nodes, at
		r.finishIfComplete()
	}
}

// add takes the answer of a node.
func (a *receiptTracker) answered(id uint64, node string, sockets int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.waiting[id]
	if r == nil {
		return // too late
	}
	r.answers++
	r.addSockets(node, sockets)
	r.finishIfComplete()
}

func (r *openReceipt) addSockets(node string, sockets int) {
	if sockets == 0 {
		return
	}
	r.Sockets += sockets
	if i, known := slices.BinarySearch(r.Nodes, node); !known {
		r.Nodes = slices.Insert(r.Nodes, i, node)
	}
}

// look ends the wait when all have answered; acks.mu is held.
func (r *openReceipt) finishIfComplete() {
	if r.localOnly || r.expected >= 0 && r.answers >= r.expected {
		select {
		case <-r.done:
		default:
			close(r.done)
		}
	}
}

func (a *receiptTracker) close(id uint64) Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.waiting[id]
	delete(a.waiting, id)
	r.Partial = r.localOnly || r.expected < 0 || r.answers < r.expected
	return r.Receipt
}

// wait waits for the answers, but not beyond until.
func (a *receiptTracker) wait(ctx context.Context, id uint64, r *openReceipt, until time.Time) Receipt {
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
func (b *Broker) sendAcks(messages []Message, sockets int) {
	for i := range messages {
		m := &messages[i]
		switch {
		case m.ackID == 0:
		case m.Node == b.opts.Node:
			b.receipts.answered(m.ackID, m.Node, sockets)
		default:
			b.sendClusterMessage(b.nodeChannel(m.Node), clusterMessage{Kind: kindAck, ID: m.ackID, Sockets: sockets})
		}
	}
}

// Pending is a message whose Receipt is to come. Somebody has to wait for it.
type PendingReceipt struct {
	b     *Broker
	id    uint64
	r     *openReceipt
	until time.Time
}

// PublishAsk is Publish of a message whose Receipt is wanted.
func (b *Broker) PublishWithReceipt(t Topic, m Message) PendingReceipt {
	m.ackID = b.nextAckID.Add(1)
	p := PendingReceipt{b, m.ackID, b.receipts.open(m.ackID, -1), time.Now().Add(ackTimeout)}
	b.Publish(t, m)
	return p
}

// Wait says how far the message went. It waits for ackTime from the publication on, so
// that many that were published together take no longer than one.
func (p PendingReceipt) Wait(ctx context.Context) Receipt {
	return p.b.receipts.wait(ctx, p.id, p.r, p.until)
}

// PublishWait is Publish that says how far the message went.
func (b *Broker) PublishAndWait(ctx context.Context, t Topic, m Message) Receipt {
	return b.PublishWithReceipt(t, m).Wait(ctx)
}

// Command asks another node for something, and says for how many sockets it
// was done. false: the node has not answered.
func (b *Broker) SendCommand(ctx context.Context, node string, c Command) (sockets int, ok bool) {
	if !b.up.Load() {
		return 0, false
	}
	id := b.nextAckID.Add(1)
	r := b.receipts.open(id, 1)
	b.sendClusterMessage(b.nodeChannel(node), clusterMessage{Kind: kindCommand, ID: id, Command: &c})
	rc := b.receipts.wait(ctx, id, r, time.Now().Add(ackTimeout))
	return rc.Sockets, !rc.Partial
}
