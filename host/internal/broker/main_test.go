package broker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	wsframe "github.com/azuhost/azuhost/host/internal/frame"
	"go.uber.org/goleak"
)

// The client of Redis leaves goroutines that sleep for up to a second, in a cluster
// five, and end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// node is a broker with a member in each topic that it subscribes.
type node struct {
	*Broker
	t    testing.TB
	name string

	mu        sync.Mutex
	got       map[string][]string // by name of the topic
	last      map[string]Position
	positions map[string]Position
	events    []event
}

func startNode(t testing.TB, name, url string, change ...func(*Options)) *node {
	t.Helper()
	n, err := tryStartNode(t, url, append([]func(*Options){func(o *Options) { o.Node = name }}, change...)...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// brisk has a node give up on Redis and on others soon. A machine that is busy is
// a reason then, too.
func shortTimeouts(o *Options) { o.Timeout, o.TTL = 500*time.Millisecond, 4*time.Second }

// tryNode is startNode that may fail.
func tryStartNode(t testing.TB, url string, change ...func(*Options)) (*node, error) {
	t.Helper()
	n := &node{t: t, got: map[string][]string{}, last: map[string]Position{}, positions: map[string]Position{}}
	o := Options{URL: url, Node: "a", Timeout: 10 * time.Second, TTL: 20 * time.Second, Deliver: n.deliver, Advance: n.advance,
		SetPosition: n.setPosition, Presence: n.presence, Command: func(c Command) int { return int(c.Conn) }}
	for _, f := range change {
		f(&o)
	}
	n.name = o.Node
	if testing.Verbose() && o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("on", n.name)
	}
	b, err := New(o)
	if err != nil {
		return n, err
	}
	n.Broker = b
	t.Cleanup(n.close)
	return n, nil
}

func (n *node) close() {
	if n.Broker == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = n.Close(ctx)
}

func (n *node) waitLinked() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.Wait(ctx); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) deliver(t Topic, first Position, messages []Message) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, m := range messages {
		n.got[t.Name] = append(n.got[t.Name], textOf(m))
		if first.Offset > 0 {
			n.checkSequence(t, Position{first.Epoch, first.Offset + uint64(i)})
		}
	}
	return 1
}

// follow checks that positions have no gap; mu is held.
func (n *node) checkSequence(t Topic, at Position) {
	was := n.last[t.Name]
	if t.Size > 0 && was.Epoch == at.Epoch && at.Offset != was.Offset+1 {
		n.t.Errorf("%s: %s is at %d after %d", n.name, t.Name, at.Offset, was.Offset)
	}
	n.last[t.Name] = at
}

func (n *node) advance(t Topic, at Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.checkSequence(t, at)
}

func (n *node) setPosition(t Topic, at Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.positions[t.Name] = at
	if n.last[t.Name].Epoch != at.Epoch || t.Size == 0 {
		n.last[t.Name] = at
	}
}

func (n *node) presence(c Change, heir bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, event{c, heir})
}

func (n *node) texts(name string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got[name]...)
}

// at is the position of the last message.
func (n *node) lastPosition(name string) Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last[name]
}

func (n *node) publishf(t Topic, format string, args ...any) {
	n.Publish(t, Message{Frame: frame(fmt.Sprintf(format, args...))})
}

// settled waits until a topic is subscribed.
func (n *node) waitSubscribed(t Topic) {
	n.t.Helper()
	eventually(n.t, "subscribed", func() bool {
		n.Broker.mu.Lock()
		defer n.Broker.mu.Unlock()
		x := n.topics[n.channelOf(t)]
		return x != nil && x.subscribed
	})
}

func frame(text string) []byte { return wsframe.Append(nil, abi.Text, []byte(text)) }

func textOf(m Message) string {
	if m.Close != nil {
		return "close"
	}
	f := m.Frame
	switch f[1] {
	case 126:
		return string(f[4:])
	case 127:
		return string(f[10:])
	}
	return string(f[2:])
}

func room(name string) Topic { return Topic{Route: "/rooms/:room", Kind: Room, Name: name} }

func historyRoom(name string) Topic {
	return Topic{Route: "/rooms/:room", Kind: Room, Name: name, Size: 100_000, TTL: time.Minute}
}
