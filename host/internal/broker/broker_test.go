package broker

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestOneOrder: three nodes send to each of 20 rooms at once; all see all of
// it, in one order.
func TestOneOrder(t *testing.T) {
	r := redistest.Start(t)
	var nodes []*node
	for i := range 3 {
		nodes = append(nodes, startNode(t, fmt.Sprintf("n%d", i), r.URL()))
	}
	const rooms, each = 20, 50
	for _, n := range nodes { // not linked yet: what is sent after Subscribe is heard all the same
		for i := range rooms {
			n.Subscribe(room(fmt.Sprint(i)))
		}
	}
	for _, n := range nodes {
		n.waitLinked()
	}
	var wait sync.WaitGroup
	for _, n := range nodes {
		for i := range rooms {
			wait.Go(func() {
				for k := range each {
					n.publishf(room(fmt.Sprint(i)), "%s %d", n.name, k)
				}
			})
		}
	}
	wait.Wait()
	for i := range rooms {
		name := fmt.Sprint(i)
		for _, n := range nodes {
			eventually(t, n.name+" has all of "+name, func() bool { return len(n.texts(name)) >= 3*each })
		}
		all := nodes[0].texts(name)
		for _, n := range nodes {
			if !slices.Equal(n.texts(name), all) {
				t.Fatalf("room %s: %s has another order", name, n.name)
			}
			wantSequence(t, all, n.name, 0, each)
		}
	}
	for _, n := range nodes {
		if s := n.Stats(); s.Missed+s.Unsent+s.Overflow+s.Resets > 0 || s.Nodes != 3 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
}

// wantAll wants the messages of one sender, each once and in order.
func wantSequence(t *testing.T, got []string, sender string, from, to int) {
	t.Helper()
	next := from
	for _, text := range got {
		if !strings.HasPrefix(text, sender+" ") {
			continue
		}
		if text != fmt.Sprintf("%s %d", sender, next) {
			t.Errorf("got %q, want %d", text, next)
			return
		}
		next++
	}
	if next != to {
		t.Errorf("%s: %d messages, want %d", sender, next, to)
	}
}

func TestTopicsOfOthers(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	user := Topic{Route: "/", Kind: User, Name: "ann | } % bob"}
	b.Subscribe(user)
	b.waitSubscribed(user)
	ctx := context.Background()
	if got := a.PublishAndWait(ctx, user, Message{Frame: frame("hi")}); !reflect.DeepEqual(got, Receipt{Sockets: 1, Nodes: []string{b.name}}) {
		t.Errorf("receipt %+v", got)
	}
	if got := b.PublishAndWait(ctx, user, Message{Close: &Close{Code: 4000, Reason: "x"}}); got.Sockets != 1 {
		t.Errorf("receipt %+v", got)
	}
	if got := a.PublishAndWait(ctx, room("empty"), Message{Frame: frame("hi")}); !reflect.DeepEqual(got, Receipt{}) {
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
		return a.PublishAndWait(ctx, user, Message{Frame: frame("late")}).Sockets == 0
	})
	for _, n := range []*node{a, b} {
		eventually(t, "topics are forgotten", func() bool { return n.Stats().Topics == 0 })
	}
}

func TestHistory(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	small := historyRoom("small")
	small.Size = 3
	for i := range 5 {
		a.PublishAndWait(context.Background(), small, Message{Frame: frame(fmt.Sprint(i + 1))})
	}
	ctx := context.Background()
	_, at, ok, err := b.Since(ctx, small, "another", 4)
	if ok || err != nil || at.Offset != 5 {
		t.Fatal(at, ok, err)
	}
	for _, c := range []struct {
		offset uint64
		ok     bool
		want   string
	}{{5, true, "[]"}, {4, true, "[5]"}, {2, true, "[3 4 5]"}, {1, false, "[]"}, {0, false, "[]"}, {6, false, "[]"}} {
		entries, _, ok, err := b.Since(ctx, small, at.Epoch, c.offset)
		var got []string
		for _, e := range entries {
			got = append(got, textOf(e.Message))
		}
		if ok != c.ok || fmt.Sprint(got) != c.want || err != nil {
			t.Errorf("since %d: %v %v %v, want %v %v", c.offset, got, ok, err, c.want, c.ok)
		}
	}
	short := small
	short.TTL = time.Nanosecond
	if _, _, ok, _ := b.Since(ctx, short, at.Epoch, 4); ok {
		t.Error("a message outlived its time")
	}
}

func TestPresence(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	here := func(user string) Change { return Change{Route: "/", Room: "r", User: user, Present: true} }
	a.Announce([]Change{here("ann"), {Route: "/", Room: "r", Size: 2}})
	b := startNode(t, "b", r.URL()) // comes later
	b.waitLinked()
	eventually(t, "b knows of ann", func() bool { return b.Online("/", "r", "ann") && b.Sockets("/", "r") == 2 })
	b.Announce([]Change{here("bob")})
	eventually(t, "a knows of bob", func() bool { return a.Online("/", "r", "bob") })
	if a.Online("/", "r", "ann") || b.Online("/", "", "ann") {
		t.Error("one's own, or another room's, counted for that of others")
	}
	var many []Change
	for i := range 2500 {
		many = append(many, here(fmt.Sprint(i)))
	}
	a.Announce(many)
	eventually(t, "b knows of many", func() bool { return len(b.Users("/", "r")) == 2501 })
	c := startNode(t, "c", r.URL())
	c.waitLinked()
	eventually(t, "c knows of many", func() bool { return len(c.Users("/", "r")) == 2502 })
	a.Announce([]Change{{Route: "/", Room: "r", User: "ann"}, {Route: "/", Room: "r"}})
	eventually(t, "ann is gone", func() bool { return !b.Online("/", "r", "ann") && b.Sockets("/", "r") == 0 })

	a.close() // says goodbye
	eventually(t, "a is gone", func() bool { return len(b.Users("/", "r")) == 0 && len(c.Users("/", "r")) == 1 })
	heirs := func() (n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if e.leader {
				n++
			}
		}
		return n
	}
	// what is known is told one by one after
	eventually(t, "the heir has told of all", func() bool { return heirs() >= 2500 })
	if n := heirs(); n != 2500 {
		t.Errorf("the heir tells of %d users", n)
	}
}

// TestNodeDies: who says nothing any more is gone within the TTL.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", p.URL(), shortTimeouts), startNode(t, "b", r.URL(), shortTimeouts)
	a.waitLinked()
	b.waitLinked()
	a.Announce([]Change{{Route: "/", User: "ann", Present: true}})
	eventually(t, "b knows of ann", func() bool { return b.Online("/", "", "ann") })
	start := time.Now()
	p.Cut(true)
	eventually(t, "ann is gone", func() bool { return !b.Online("/", "", "ann") })
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("after %v, and the TTL is 4 s", took)
	}
	if !a.peersEmpty() && !a.Up() {
		p.Open()
	}
	p.Open()
	eventually(t, "ann is back", func() bool { return b.Online("/", "", "ann") })
}

func (n *node) peersEmpty() bool { return n.peers.count() == 0 }

func TestBadAddress(t *testing.T) {
	for _, url := range []string{"", "redis://:secret@%zz", "http://x"} {
		b, err := New(Options{URL: url, Node: "a"})
		if err == nil {
			_ = b.Close(context.Background())
			t.Errorf("%q: no error", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in: %v", err)
		}
	}
}

// TestHistoryOfASuccessor: a route ends, and one of its path begins with a history, while members
// of the first are still there.
func TestHistoryOfASuccessor(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	a.Subscribe(room("x"))
	a.waitSubscribed(room("x"))
	a.publishf(room("x"), "before")
	eventually(t, "the first has come", func() bool { return len(a.texts("x")) == 1 })
	a.Subscribe(historyRoom("x"))
	a.Unsubscribe(room("x"))
	a.publishf(historyRoom("x"), "1")
	b.publishf(historyRoom("x"), "2")
	a.publishf(historyRoom("x"), "3")
	eventually(t, "all have come", func() bool { return len(a.texts("x")) == 4 })
	_, at, _, _ := b.Since(t.Context(), historyRoom("x"), "another", 0)
	entries, _, ok, err := b.Since(t.Context(), historyRoom("x"), at.Epoch, at.Offset-3)
	if len(entries) != 3 || !ok || err != nil {
		t.Errorf("recovers %d: %v %v", len(entries), ok, err)
	}
	if got := a.lastPosition("x"); got != at {
		t.Errorf("members are at %+v, Redis at %+v", got, at)
	}
}
