package broker

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/rueidis"
)

// kind of a control message, which nodes send each other.
type kind string

const (
	kindHello   kind = "hello"   // a link came up: who is there?
	kindBeat    kind = "beat"    // a sign of life
	kindBye     kind = "bye"     // the node ends
	kindDelta   kind = "delta"   // the state of a node changes
	kindAsk     kind = "ask"     // tell me a part of your state
	kindState   kind = "state"   // that part
	kindAck     kind = "ack"     // so many sockets got it
	kindCommand kind = "command" // do something
)

// control is a message between nodes.
type control struct {
	Kind    kind     `json:"k"`
	Node    string   `json:"n"`           // that sends it
	Start   int64    `json:"i,omitempty"` // of that node: another one is another state
	Seq     uint64   `json:"s,omitempty"` // of the last delta
	Changes []Change `json:"c,omitempty"`
	Part    int      `json:"f,omitempty"` // of a state: the bucket that it begins with
	Next    int      `json:"x,omitempty"` // the bucket that the next part begins with
	Last    bool     `json:"l,omitempty"` // part
	Ack     uint64   `json:"a,omitempty"` // of a beat: its number
	Sockets int      `json:"o,omitempty"`
	Command *Command `json:"d,omitempty"`
}

// Command asks a node for something.
type Command struct {
	Route string `json:"route"`
	Conn  uint64 `json:"conn"` // to be closed
	Close Close  `json:"close"`
}

// outControl is a control message on its way.
type outControl struct {
	channel string
	m       control
	text    string
	sent    chan struct{} // closed when it has gone, or not; may be nil
}

// tell sends a control message soon. One that does not fit the queue is
// dropped: states are asked for again, and acks have a time.
func (b *Broker) tell(channel string, m control) {
	select {
	case b.controls <- outControl{channel: channel, m: m}:
	default:
		b.stats.overflow.Add(1)
	}
}

// controlsBytes bounds the control messages of one round trip.
const controlsBytes = 256 << 10

// pump sends control messages, several in a round trip.
func (b *Broker) pump() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case first := <-b.controls:
			batch := []outControl{first}
			size := b.encode(&batch[0])
			for len(batch) < 64 && size < controlsBytes {
				select {
				case m := <-b.controls:
					size += b.encode(&m)
					batch = append(batch, m)
					continue
				default:
				}
				break
			}
			b.publishControls(batch)
			for _, o := range batch {
				if o.sent != nil {
					close(o.sent)
				}
			}
		}
	}
}

// encode makes the text of a control message.
func (b *Broker) encode(o *outControl) (size int) {
	o.m.Node, o.m.Start = b.o.Node, b.start.UnixNano()
	p, err := json.Marshal(o.m)
	if err != nil {
		panic(err) // of our own types
	}
	o.text = rueidis.BinaryString(p)
	return len(p)
}

// sayBye has the last word: what is still to be told goes before it, or others would take that for a
// new beginning.
func (b *Broker) sayBye(ctx context.Context) {
	if !b.up.Load() {
		return
	}
	bye := outControl{channel: b.channelAll(), m: control{Kind: kindBye}, sent: make(chan struct{})}
	select {
	case b.controls <- bye:
	case <-ctx.Done():
		return
	}
	select {
	case <-bye.sent:
	case <-ctx.Done():
	}
}

func (b *Broker) publishControls(batch []outControl) {
	if !b.up.Load() {
		return // the next hello tells everything
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
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
				b.fail(err)
			}
			b.log.Debug("broker: control message", "err", err)
			return
		}
	}
}

// hearControl takes a control message from the subscription, which must not wait: Redis ends a
// connection that takes nothing. What does not fit is as if it had been lost on the way.
func (b *Broker) hearControl(text string) {
	if b.heardBytes.Add(int64(len(text))) <= int64(b.o.MaxQueue) {
		select {
		case b.heardControls <- text:
			return
		default:
		}
	}
	b.heardBytes.Add(-int64(len(text)))
	b.stats.overflow.Add(1)
}

// controlFrom handles the control messages that have come, in their order.
func (b *Broker) controlFrom() {
	for {
		select {
		case text := <-b.heardControls:
			b.heardBytes.Add(-int64(len(text)))
			b.control([]byte(text))
		case <-b.ctx.Done():
			return
		}
	}
}

// control handles a control message.
func (b *Broker) control(p []byte) {
	var m control
	if err := json.Unmarshal(p, &m); err != nil {
		b.log.Warn("broker: a control message that this version can not read", "err", err)
		return
	}
	if m.Node == b.o.Node {
		if m.Start != b.start.UnixNano() {
			b.log.Error("broker: another node has the name of this one: give each its own", "node", m.Node)
			return
		}
		b.echo.Store(int64(time.Since(b.start)))
		if m.Kind == kindBeat {
			b.heardBeat.Store(m.Ack)
		}
		return
	}
	switch m.Kind {
	case kindAck:
		b.acks.add(m.Ack, m.Node, m.Sockets)
	case kindCommand:
		if m.Command != nil {
			b.tell(b.channelNode(m.Node), control{Kind: kindAck, Ack: m.Ack, Sockets: b.o.Command(*m.Command)})
		}
	default:
		b.peers.control(&m)
	}
}
