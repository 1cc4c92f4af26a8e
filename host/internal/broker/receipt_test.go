package broker

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestPartialReceipt: the receipt of a message that bypasses Redis counts the sockets here and is partial.
func TestPartialReceipt(t *testing.T) {
	want := Receipt{Sockets: 1, Nodes: []string{"a"}, Partial: true}
	ctx := context.Background()
	hi := Message{Frame: textFrame("hi")}
	t.Run("overflow", func(t *testing.T) {
		n := passiveNode(t, func(o *Options) { o.MaxQueue = 1 })
		if got := n.PublishAndWait(ctx, room("r"), hi); !reflect.DeepEqual(got, want) {
			t.Errorf("receipt %+v", got)
		}
	})
	for name, end := range map[string]func(*node, *topic){
		"broken":  func(n *node, _ *topic) { n.linkDown(errTest) },
		"refused": func(n *node, tp *topic) { tp.inFlight = 1; n.deliverRefused(tp) },
	} {
		t.Run(name, func(t *testing.T) {
			n := passiveNode(t)
			n.Subscribe(room("r"))
			n.confirmSubscriptions(Position{"e", 1})
			got := make(chan Receipt, 1)
			go func() { got <- n.PublishAndWait(ctx, room("r"), hi) }()
			tp := n.topicOf(room("r"))
			eventually(t, "waits", func() bool {
				tp.mu.Lock()
				defer tp.mu.Unlock()
				return len(tp.queue) == 1
			})
			end(n, tp)
			if got := <-got; !reflect.DeepEqual(got, want) {
				t.Errorf("receipt %+v", got)
			}
		})
	}
	t.Run("down", func(t *testing.T) {
		n := passiveNode(t)
		n.linkDown(errTest)
		if got := n.PublishAndWait(ctx, room("r"), hi); !reflect.DeepEqual(got, want) {
			t.Errorf("receipt %+v", got)
		}
	})
}

// TestReceiptsOfABatch: each message of a batch has its own count.
func TestReceiptsOfABatch(t *testing.T) {
	n := passiveNode(t, func(o *Options) {
		o.Deliver = func(_ Topic, _ Position, messages []Message) int { return len(textOf(messages[len(messages)-1])) }
	})
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	var sent []outgoing
	want := []int{0, 2, 3, 0}
	var receipts []*openReceipt
	for i, text := range []string{"1", "22", "333", "4444"} {
		o := outgoing{Message: Message{Frame: textFrame(text), Node: n.name}}
		if want[i] > 0 {
			o.ackID = uint64(i)
		}
		sent = append(sent, o)
		receipts = append(receipts, n.receipts.open(uint64(i), 1))
	}
	n.receiveOwn(n.topicOf(room("r")), Position{"e", 2}, sent...)
	for i, r := range receipts {
		if r.Sockets != want[i] {
			t.Errorf("message %d: %d sockets", i, r.Sockets)
		}
	}
}

// TestReceiptsAndCommands: receipts count the members on other nodes, and commands reach them.
func TestReceiptsAndCommands(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	user := Topic{Route: "/", Kind: User, Name: "ann | } % bob"}
	b.Subscribe(user)
	b.waitSubscribed(user)
	ctx := context.Background()
	hi := Message{Frame: textFrame("hi")}
	if got := a.PublishAndWait(ctx, user, hi); !reflect.DeepEqual(got, Receipt{Sockets: 1, Nodes: []string{b.name}}) {
		t.Errorf("receipt %+v", got)
	}
	if got := b.PublishAndWait(ctx, user, Message{Close: &Close{Code: 4000, Reason: "x"}}); got.Sockets != 1 {
		t.Errorf("receipt %+v", got)
	}
	if got := a.PublishAndWait(ctx, room("empty"), hi); !reflect.DeepEqual(got, Receipt{}) {
		t.Errorf("receipt %+v", got)
	}
	if got := b.texts(user.Name); !slices.Equal(got, []string{"hi", "close"}) {
		t.Errorf("got %q", got)
	}
	if n, ok := a.SendCommand(ctx, "b", Command{Conn: 7}); n != 7 || !ok {
		t.Errorf("command: %d %v", n, ok)
	}
	b.Unsubscribe(user)
	eventually(t, "unsubscribed", func() bool {
		return a.PublishAndWait(ctx, user, Message{Frame: textFrame("late")}).Sockets == 0
	})
	for _, n := range []*node{a, b} {
		eventually(t, "topics are removed", func() bool { return n.Stats().Topics == 0 })
	}
}
