package broker

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Receipt reports which connections a message has reached.
type Receipt struct {
	Sockets  int      // number of connections
	Nodes    []string // nodes with at least one of the sockets, sorted
	Position          // of the message; zero without a history
	Partial  bool     // not every node has answered, or the message bypassed Redis
}

// ackTimeout limits the time that nodes may take to acknowledge a message.
const ackTimeout = 500 * time.Millisecond

// receiptTracker collects the acknowledgements of messages whose publisher wants a Receipt.
type receiptTracker struct {
	mu      sync.Mutex
	waiting map[uint64]*openReceipt // by the id of the acknowledgements
}

// openReceipt is a Receipt that waits for acknowledgements; receiptTracker.mu guards it.
type openReceipt struct {
	Receipt
	expected  int  // acknowledgements; -1: not known yet
	answers   int  // acknowledgements received
	localOnly bool // the message bypassed Redis: no other node acknowledges it
	done      chan struct{}
}

// open registers a receipt that waits for the expected number of acknowledgements; -1: not known yet.
func (t *receiptTracker) open(id uint64, expected int) *openReceipt {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &openReceipt{expected: expected, done: make(chan struct{})}
	t.waiting[id] = r
	return r
}

// deliveredLocally records that a message bypassed Redis and reached sockets of this node.
func (t *receiptTracker) deliveredLocally(id uint64, node string, sockets int) {
	if id == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.waiting[id]; r != nil {
		r.localOnly = true
		r.addSockets(node, sockets)
		r.finishIfComplete()
	}
}

// accepted records that Redis accepted a message at a position and passed it to a number of nodes.
func (t *receiptTracker) accepted(id uint64, nodes int, at Position) {
	if id == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.waiting[id]; r != nil {
		r.expected, r.Position = nodes, at
		r.finishIfComplete()
	}
}

// answered records the acknowledgement of a node. It ignores one that is late.
func (t *receiptTracker) answered(id uint64, node string, sockets int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.waiting[id]
	if r == nil {
		return
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

// finishIfComplete closes done when all expected nodes have answered; receiptTracker.mu is held.
func (r *openReceipt) finishIfComplete() {
	if r.localOnly || r.expected >= 0 && r.answers >= r.expected {
		select {
		case <-r.done:
		default:
			close(r.done)
		}
	}
}

// close removes a receipt and returns it.
func (t *receiptTracker) close(id uint64) Receipt {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.waiting[id]
	delete(t.waiting, id)
	r.Partial = r.localOnly || r.expected < 0 || r.answers < r.expected
	return r.Receipt
}

// wait waits until a receipt is complete, ctx is done or a time is reached. Then it removes the
// receipt and returns it.
func (t *receiptTracker) wait(ctx context.Context, id uint64, r *openReceipt, until time.Time) Receipt {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	return t.close(id)
}

// sendAcks acknowledges messages to their publishers. A topic's lock is held, so it does not wait.
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

// PendingReceipt is the Receipt of a published message. Wait has to be called once.
type PendingReceipt struct {
	b     *Broker
	id    uint64
	r     *openReceipt
	until time.Time
}

// PublishWithReceipt publishes a message and returns its pending receipt.
func (b *Broker) PublishWithReceipt(t Topic, m Message) PendingReceipt {
	m.ackID = b.nextAckID.Add(1)
	p := PendingReceipt{b, m.ackID, b.receipts.open(m.ackID, -1), time.Now().Add(ackTimeout)}
	b.Publish(t, m)
	return p
}

// Wait returns the receipt. It waits until ackTimeout after the publication at most, so the receipts
// of messages that were published together take no longer than one.
func (p PendingReceipt) Wait(ctx context.Context) Receipt {
	return p.b.receipts.wait(ctx, p.id, p.r, p.until)
}

// PublishAndWait publishes a message and waits for its receipt.
func (b *Broker) PublishAndWait(ctx context.Context, t Topic, m Message) Receipt {
	return b.PublishWithReceipt(t, m).Wait(ctx)
}

// SendCommand sends a command to another node and returns the number of sockets affected there. ok is
// false if the node does not answer within ackTimeout, or the link is down.
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
