package broker

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// FuzzBatch: a publication is refused or parsed, and encodes to the same bytes again.
func FuzzBatch(f *testing.F) {
	for _, m := range []Message{
		{Frame: textFrame("hello")},
		{Frame: textFrame(""), Except: 7, ackID: 9},
		{Close: &Close{Code: 4000, Reason: "x"}},
	} {
		f.Add([]byte("epoch\n12\n" + string(appendBody(nil, "n1", 3, []outgoing{{Message: m}, {Message: m}}))))
	}
	f.Add([]byte("e\n1\n\x00\x01\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := parseBatch(p)
		if err != nil {
			return
		}
		var out []outgoing
		for i, m := range b.messages {
			if m.Close == nil && !isFrame(m.Frame) {
				t.Fatalf("message %d is no frame: %x", i, m.Frame)
			}
			out = append(out, outgoing{Message: m})
		}
		head := fmt.Appendf(nil, "%s\n%d\n", b.first.Epoch, b.first.Offset)
		again, err := parseBatch(appendBody(head, b.node, b.seq, out))
		if err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("read %+v, written and read again %+v (%v)", b, again, err)
		}
	})
}

// FuzzEntry: an entry of a history is refused or parsed.
func FuzzEntry(f *testing.F) {
	m := Message{Frame: textFrame("hello"), Except: 3}
	f.Add("12-0", "1700000000000", string(appendMessage([]byte("\x02n1\x05"), &m)))
	f.Fuzz(func(t *testing.T, id, ms, text string) {
		e, err := parseEntry(rueidis.XRangeEntry{ID: id, FieldValues: map[string]string{"t": ms, "m": text}})
		if err == nil && e.Close == nil && !isFrame(e.Frame) {
			t.Fatalf("no frame: %x", e.Frame)
		}
	})
}

// FuzzPeer: no cluster messages in any order break the state of the peers. When the senders are gone, nothing
// of them is left.
func FuzzPeer(f *testing.F) {
	for _, m := range []clusterMessage{
		{Kind: kindHello, Seq: 1},
		{Kind: kindDelta, Seq: 2, Changes: []Change{
			{Route: "/", User: "a", Present: true}, {Route: "/", Room: "r", Size: 3},
		}},
		{Kind: kindState, Seq: 2, LastPart: true, Changes: []Change{{Route: "/", Room: "r", Size: -3}}},
		{Kind: kindAck, ID: 1},
		{Kind: kindCommand},
	} {
		m.Node = "b"
		p, _ := json.Marshal(m)
		f.Add(p, p)
	}
	f.Fuzz(func(t *testing.T, p, q []byte) {
		b := &Broker{
			opts: Options{
				Node: "a", TTL: time.Second,
				Presence: func(Change, bool) {}, Command: func(Command) int { return 0 },
			},
			log: slog.New(slog.DiscardHandler), start: time.Unix(1, 0),
			clusterOut: make(chan outgoingClusterMessage, 16),
		}
		b.peers.init(b)
		b.receipts.waiting = map[uint64]*openReceipt{}
		b.handleClusterMessage(p)
		b.handleClusterMessage(q)
		for _, name := range b.Nodes() {
			b.handleClusterMessage(fmt.Appendf(nil, `{"k":"bye","n":%q}`, name))
		}
		if len(b.peers.rooms) > 0 && len(b.Nodes()) == 0 {
			t.Errorf("left: %v", b.peers.rooms)
		}
	})
}
