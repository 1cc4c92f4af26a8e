package broker

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/rueidis"
)

// messageKind is the kind of a cluster message.
type messageKind string

const (
	kindHello        messageKind = "hello"   // the sender's link is new; receivers answer with a heartbeat
	kindHeartbeat    messageKind = "beat"    // the sender is alive
	kindLeave        messageKind = "bye"     // the sender ends
	kindDelta        messageKind = "delta"   // changes of the sender's state
	kindStateRequest messageKind = "ask"     // request for a part of the receiver's state
	kindState        messageKind = "state"   // a part of the sender's state
	kindAck          messageKind = "ack"     // number of sockets that a message or command reached
	kindCommand      messageKind = "command" // a command for the receiver
)

// clusterMessage is a message between nodes. Nodes of other versions read it, so the names in JSON
// are fixed.
type clusterMessage struct {
	Kind        messageKind `json:"k"`
	Node        string      `json:"n"`           // sender
	Start       int64       `json:"i,omitempty"` // start time of the sender; state of another start is void
	Seq         uint64      `json:"s,omitempty"` // sequence number of the sender's last delta
	Changes     []Change    `json:"c,omitempty"`
	FirstBucket int         `json:"f,omitempty"` // of a part of a state
	NextBucket  int         `json:"x,omitempty"` // first bucket of the next part
	LastPart    bool        `json:"l,omitempty"`
	ID          uint64      `json:"a,omitempty"` // of acknowledgements; number of a heartbeat
	Sockets     int         `json:"o,omitempty"`
	Command     *Command    `json:"d,omitempty"`
}

// Command asks a node to close a connection.
type Command struct {
	Route string `json:"route"`
	Conn  uint64 `json:"conn"`
	Close Close  `json:"close"`
}

// outgoingClusterMessage is a cluster message in the queue of runClusterSender.
type outgoingClusterMessage struct {
	channel string
	message clusterMessage
	text    string
	sent    chan struct{} // closed after the attempt to send it; may be nil
}

// Limits of the cluster messages in one round trip.
const (
	maxClusterBatch      = 64
	maxClusterBatchBytes = 256 << 10
)

// sendClusterMessage queues a cluster message. It does not wait. If the queue is full it drops the
// message: a missed state is requested again, and receipts have a timeout.
func (b *Broker) sendClusterMessage(channel string, m clusterMessage) {
	select {
	case b.clusterOut <- outgoingClusterMessage{channel: channel, message: m}:
	default:
		b.stats.overflow.Add(1)
	}
}

// runClusterSender sends the queued cluster messages, several in one round trip.
func (b *Broker) runClusterSender() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case first := <-b.clusterOut:
			batch := b.gatherClusterMessages(first)
			b.publishClusterMessages(batch)
			for _, o := range batch {
				if o.sent != nil {
					close(o.sent)
				}
			}
		}
	}
}

// gatherClusterMessages returns a message and those queued after it, encoded, up to the limits of a
// round trip.
func (b *Broker) gatherClusterMessages(first outgoingClusterMessage) []outgoingClusterMessage {
	size := b.encode(&first)
	batch := []outgoingClusterMessage{first}
	for len(batch) < maxClusterBatch && size < maxClusterBatchBytes {
		select {
		case o := <-b.clusterOut:
			size += b.encode(&o)
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// encode sets the text of a cluster message and returns its size.
func (b *Broker) encode(o *outgoingClusterMessage) (size int) {
	o.message.Node, o.message.Start = b.opts.Node, b.start.UnixNano()
	p, err := json.Marshal(o.message)
	if err != nil {
		panic(err) // the types always encode
	}
	o.text = rueidis.BinaryString(p)
	return len(p)
}

// publishClusterMessages publishes cluster messages in their order. While the link is down it drops
// them: the hello of the next link leads to a resync.
func (b *Broker) publishClusterMessages(batch []outgoingClusterMessage) {
	if !b.up.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	var cmds rueidis.Commands
	for _, o := range batch {
		// The channel is given as a key, so that in a Redis Cluster one server gets all of them. Any
		// server would publish them, but several would not keep the order.
		cmds = append(cmds, b.client.B().Arbitrary("PUBLISH").Keys(o.channel).Args(o.text).Build())
	}
	for _, r := range b.client.DoMulti(ctx, cmds...) {
		if err := r.Error(); err != nil {
			var re *rueidis.RedisError
			if b.ctx.Err() == nil && !errors.As(err, &re) {
				b.failLink(err)
			}
			b.log.Debug("cluster message not sent", "err", err)
			return
		}
	}
}

// announceLeave tells the other nodes that this one ends, and waits until that is sent or ctx is
// done. Queued messages go before it, because a message after it would make the node appear again.
func (b *Broker) announceLeave(ctx context.Context) {
	if !b.up.Load() {
		return
	}
	leave := outgoingClusterMessage{
		channel: b.clusterChannel(), message: clusterMessage{Kind: kindLeave}, sent: make(chan struct{}),
	}
	select {
	case b.clusterOut <- leave:
	case <-ctx.Done():
		return
	}
	select {
	case <-leave.sent:
	case <-ctx.Done():
	}
}

// enqueueClusterMessage queues a received cluster message. It does not wait, because Redis closes a
// connection that is not read. If the queue is full it drops the message, as if it had been lost on
// the way.
func (b *Broker) enqueueClusterMessage(text string) {
	if b.clusterInBytes.Add(int64(len(text))) <= int64(b.opts.MaxQueue) {
		select {
		case b.clusterIn <- text:
			return
		default:
		}
	}
	b.clusterInBytes.Add(-int64(len(text)))
	b.stats.overflow.Add(1)
}

// runClusterReceiver handles the received cluster messages in their order.
func (b *Broker) runClusterReceiver() {
	for {
		select {
		case text := <-b.clusterIn:
			b.clusterInBytes.Add(-int64(len(text)))
			b.handleClusterMessage([]byte(text))
		case <-b.ctx.Done():
			return
		}
	}
}

func (b *Broker) handleClusterMessage(p []byte) {
	var m clusterMessage
	if err := json.Unmarshal(p, &m); err != nil {
		b.log.Warn("unreadable cluster message ignored", "err", err)
		return
	}
	if m.Node == b.opts.Node {
		b.handleEcho(&m)
		return
	}
	switch m.Kind {
	case kindAck:
		b.receipts.answered(m.ID, m.Node, m.Sockets)
	case kindCommand:
		if m.Command != nil {
			sockets := b.opts.Command(*m.Command)
			b.sendClusterMessage(b.nodeChannel(m.Node), clusterMessage{Kind: kindAck, ID: m.ID, Sockets: sockets})
		}
	default:
		b.peers.handle(&m)
	}
}

// handleEcho handles a cluster message that carries the name of this node.
func (b *Broker) handleEcho(m *clusterMessage) {
	if m.Start != b.start.UnixNano() {
		b.log.Error("another node has the name of this one; node names must be unique", "node", m.Node)
		return
	}
	b.lastEcho.Store(int64(time.Since(b.start)))
	if m.Kind == kindHeartbeat {
		b.heartbeatEchoed.Store(m.ID)
	}
}
