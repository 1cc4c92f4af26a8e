package broker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"
)

// node is a broker with one member in each topic that it subscribes.
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

// startNode starts a broker, which ends with the test.
func startNode(t testing.TB, name, url string, change ...func(*Options)) *node {
	t.Helper()
	n, err := tryStartNode(t, url, append([]func(*Options){func(o *Options) { o.Node = name }}, change...)...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tryStartNode is startNode for options that may be refused.
func tryStartNode(t testing.TB, url string, change ...func(*Options)) (*node, error) {
	t.Helper()
	n := newTestNode(t)
	o := Options{
		URL: url, Node: "a", Timeout: 10 * time.Second, TTL: 20 * time.Second,
		Deliver: n.deliver, Advance: n.advance, SetPosition: n.setPosition, Presence: n.presence,
		Command: func(c Command) int { return int(c.Conn) },
	}
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

func newTestNode(t testing.TB) *node {
	return &node{t: t, got: map[string][]string{}, last: map[string]Position{}, positions: map[string]Position{}}
}

// shortTimeouts makes a node notice soon that Redis or another node is gone. A busy machine may look the
// same.
func shortTimeouts(o *Options) { o.Timeout, o.TTL = 500*time.Millisecond, 4*time.Second }

func (n *node) close() {
	if n.Broker == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = n.Close(ctx)
}

// waitLinked waits until the link is up.
func (n *node) waitLinked() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.Wait(ctx); err != nil {
		n.t.Fatal(err)
	}
}

// deliver, advance, setPosition and presence are the functions of Options.
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

func (n *node) presence(c Change, leader bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, event{c, leader})
}

// checkSequence fails if the position does not follow the last one; mu is held.
func (n *node) checkSequence(t Topic, at Position) {
	was := n.last[t.Name]
	if t.Size > 0 && was.Epoch == at.Epoch && at.Offset != was.Offset+1 {
		n.t.Errorf("%s: %s is at %d after %d", n.name, t.Name, at.Offset, was.Offset)
	}
	n.last[t.Name] = at
}

// texts returns what the member of a topic got.
func (n *node) texts(name string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got[name]...)
}

// lastPosition returns the position of the last message of a topic.
func (n *node) lastPosition(name string) Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last[name]
}

// publishf publishes a formatted text.
func (n *node) publishf(t Topic, format string, args ...any) {
	n.Publish(t, Message{Frame: textFrame(fmt.Sprintf(format, args...))})
}

// waitSubscribed waits until a topic is subscribed and resynced.
func (n *node) waitSubscribed(t Topic) {
	n.t.Helper()
	eventually(n.t, "subscribed", func() bool {
		n.Broker.mu.Lock()
		defer n.Broker.mu.Unlock()
		tp := n.topics[n.channelOf(t)]
		return tp != nil && tp.subscribed
	})
}
