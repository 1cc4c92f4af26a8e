package broker

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/rueidis"
)

// kind of a control message, which nodes send each other.
type messageKind string

const (
	kindHello        messageKind = "hello"   // a link came up: who is there?
	kindHeartbeat    messageKind = "beat"    // a sign of life
	kindLeave        messageKind = "bye"     // the node ends
	kindDelta        messageKind = "delta"   // the state of a node changes
	kindStateRequest messageKind = "ask"     // tell me a part of your state
	kindState        messageKind = "state"   // that part
	kindAck          messageKind = "ack"     // so many sockets got it
	kindCommand      messageKind = "command" // do something
)

// control is a message between nodes.
type clusterMessage struct {
	Kind        messageKind `json:"k"`
	Node        string      `json:"n"`           // that sends it
	Start       int64       `json:"i,omitempty"` // of that node: another one is another state
	Seq         uint64      `json:"s,omitempty"` // of the last delta
	Changes     []Change    `json:"c,omitempty"`
	FirstBucket int         `json:"f,omitempty"` // of a state: the bucket that it begins with
	NextBucket  int         `json:"x,omitempty"` // the bucket that the next part begins with
	LastPart    bool        `json:"l,omitempty"` // part
	ID          uint64      `json:"a,omitempty"` // of a beat: its number
	Sockets     int         `json:"o,omitempty"`
	Command     *Command    `json:"d,omitempty"`
}

// Command asks a node for something.
type Command struct {
	Route string `json:"route"`
	Conn  uint64 `json:"conn"` // to be closed
	Close Close  `json:"close"`
}

// outControl is a control message on its way.
type outgoingClusterMessage struct {
	channel string
	message clusterMessage
	text    string
	sent    chan struct{} // closed when it has gone, or not; may be nil
}

// tell sends a control message soon. One that does not fit the queue is
// dropped: states are asked for again, and acks have a time.
func (b *Broker) sendClusterMessage(channel string, m clusterMessage) {
	select {
	case b.clusterOut <- outgoingClusterMessage{channel: channel, message: m}:
	default:
		b.stats.overflow.Add(1)
	}
}

// controlsBytes bounds the control messages of one round trip.
const maxClusterBatchBytes = 256 << 10

// pump sends control messages, several in a round trip.
func (b *Broker) runClusterSender() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case first := <-b.clusterOut:
			batch := []outgoingClusterMessage{first}
			size := b.encode(&batch[0])
			for len(batch) < 64 && size < maxClusterBatchBytes {
				select {
				case m := <-b.clusterOut:
					size += b.encode(&m)
					batch = append(batch, m)
					continue
				default:
				}
				break
			}
			b.publishClusterMessages(batch)
			for _, o := range batch {
				if o.sent != nil {
					close(o.sent)
				}
			}
		}
	}
}

// encode makes the text of a control message.
func (b *Broker) encode(o *outgoingClusterMessage) (size int) {
	o.message.Node, o.message.Start = b.opts.Node, b.start.UnixNano()
	p, err := json.Marshal(o.message)
	if err != nil {
		panic(err) // of our own types
	}
	o.text = rueidis.BinaryString(p)
	return len(p)
}

// sayBye has the last word: what is still to be told goes before it, or others would take that for a
// new beginning.
func (b *Broker) announceLeave(ctx context.Context) {
	if !b.up.Load() {
		return
	}
	bye := outgoingClusterMessage{channel: b.clusterChannel(), message: clusterMessage{Kind: kindLeave}, sent: make(chan struct{})}
	select {
	case b.clusterOut <- bye:
	case <-ctx.Done():
		return
	}
	select {
	case <-bye.sent:
	case <-ctx.Done():
	}
}

func (b *Broker) publishClusterMessages(batch []outgoingClusterMessage) {
	if !b.up.Load() {
		return // the next hello tells everything
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	var cmds rueidis.Commands
	for _, o := range batch {
		// By the channel's slot, as if it were a key: in a cluster any node would do,
		// but with another one each time the order would be lost.
		cmds = append(cmds, b.client.B().Arbitrary("PUBLISH").Keys(o.channel).Args(o.text).Build())
	}
	for _, r := range b.client.DoMulti(ctx, cmds...) {
		if err := r.Error(); err != nil {
			var re *rueidis.RedisError
			if b.ctx.Err() == nil && !errors.As(err, &re) {
				b.failLink(err)
			}
			b.log.Debug("broker: control message", "err", err)
			return
		}
	}
}

// hearControl takes a control message from the subscription, which must not wait: Redis ends a
// connection that takes nothing. What does not fit is as if it had been lost on the way.
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

// controlFrom handles the control messages that have come, in their order.
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

// control handles a control message.
func (b *Broker) handleClusterMessage(p []byte) {
	var m clusterMessage
	if err := json.Unmarshal(p, &m); err != nil {
		b.log.Warn("broker: a control message that this version can not read", "err", err)
		return
	}
	if m.Node == b.opts.Node {
		if m.Start != b.start.UnixNano() {
			b.log.Error("broker: another node has the name of this one: give each its own", "node", m.Node)
			return
		}
		b.lastEcho.Store(int64(time.Since(b.start)))
		if m.Kind == kindHeartbeat {
			b.heartbeatEchoed.Store(m.ID)
		}
		return
	}
	switch m.Kind {
	case kindAck:
		b.receipts.answered(m.ID, m.Node, m.Sockets)
	case kindCommand:
		if m.Command != nil {
			b.sendClusterMessage(b.nodeChannel(m.Node), clusterMessage{Kind: kindAck, ID: m.ID, Sockets: b.opts.Command(*m.Command)})
		}
	default:
		b.peers.handle(&m)
	}
}
