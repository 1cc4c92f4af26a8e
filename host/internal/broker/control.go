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
	kindHello   kind = "hello"   // a link came up: tell me your state
	kindBeat    kind = "beat"    // a sign of life
	kindBye     kind = "bye"     // the node ends
	kindDelta   kind = "delta"   // the state of a node changes
	kindAsk     kind = "ask"     // tell me your state
	kindState   kind = "state"   // a part of it
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
	Part    int      `json:"f,omitempty"` // of a state, from 0
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

// pump sends control messages, several in a round trip.
func (b *Broker) pump() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case first := <-b.controls:
			batch := []outControl{first}
			for len(batch) < 64 {
				select {
				case m := <-b.controls:
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

// sayBye has the last word: what is still to be told goes before it, or others would take that for a
// new beginning.
func (b *Broker) sayBye(ctx context.Context) {
	if !b.up.Load() {
		return
	}
	bye := outControl{b.channelAll(), control{Kind: kindBye}, make(chan struct{})}
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
		o.m.Node, o.m.Start = b.o.Node, b.start.UnixNano()
		p, err := json.Marshal(o.m)
		if err != nil {
			panic(err) // of our own types
		}
		// By the channel's slot, as if it were a key: in a cluster any node would do,
		// but with another one each time the order would be lost.
		cmds = append(cmds, b.client.B().Arbitrary("PUBLISH").Keys(o.channel).Args(rueidis.BinaryString(p)).Build())
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
