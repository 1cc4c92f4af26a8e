package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestManyMissedOverASlowLink: what many topics have missed is read so that the link comes up,
// however long one round trip takes.
func TestManyMissedOverASlowLink(t *testing.T) {
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", p.URL())
	a.waitLinked()
	b.waitLinked()
	const topics = 400
	for i := range topics {
		b.Subscribe(historyRoom(fmt.Sprint(i)))
	}
	for i := range topics {
		b.waitSubscribed(historyRoom(fmt.Sprint(i)))
	}
	p.Cut(true)
	eventually(t, "b notices", func() bool { return !b.Up() })
	for i := range topics {
		a.publishf(historyRoom(fmt.Sprint(i)), "hi")
	}
	eventually(t, "a has sent all", func() bool { return a.Stats().Published == topics })
	p.Slow(20 * time.Millisecond)
	p.Open()
	b.waitLinked()
	for i := range topics {
		if got := b.texts(fmt.Sprint(i)); len(got) != 1 {
			t.Errorf("topic %d: %q", i, got)
		}
	}
}

// TestDamagedHistory: what somebody else has written into a history is a gap, and no reason
// to be without the rest of it.
func TestDamagedHistory(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	ctx, topic := context.Background(), historyRoom("x")
	a.PublishAndWait(ctx, topic, Message{Frame: frame("1")})
	c := r.Client()
	add := c.B().Xadd().Key(streamKey(a.channelOf(topic))).Id("1-1").FieldValue().FieldValue("not", "ours").Build()
	if err := c.Do(ctx, add).Error(); err != nil {
		t.Fatal(err)
	}
	a.PublishAndWait(ctx, topic, Message{Frame: frame("2")})
	_, at, _, _ := a.Since(ctx, topic, "another", 0)
	for offset, ok := range map[uint64]bool{0: false, 1: true} {
		entries, _, got, err := a.Since(ctx, topic, at.Epoch, offset)
		if got != ok || err != nil || ok && len(entries) != 1 {
			t.Errorf("since %d: %v %v %v", offset, entries, got, err)
		}
	}
}

// TestRefusedWriteEndsTheLock: Redis that is full refuses to write, and the next one need not
// wait until the lock ends by itself.
func TestRefusedWriteEndsTheLock(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	c, ctx := r.Client(), context.Background()
	limit := func(bytes string) {
		t.Helper()
		if err := c.Do(ctx, c.B().Arbitrary("CONFIG", "SET", "maxmemory", bytes).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := a.Lock(ctx, "/r")
	if err != nil {
		t.Fatal(err)
	}
	limit("1")
	if err := a.Write(ctx, "/r", lock, []Value{{Key: "k", Value: "v", Set: true}}); err == nil {
		t.Fatal("Redis that is full has written")
	}
	limit("0")
	ctx, cancel := context.WithTimeout(ctx, lockTTL/4)
	defer cancel()
	if _, err := a.Lock(ctx, "/r"); err != nil {
		t.Error(err)
	}
}

// TestEvicted: Redis has forgotten the numbers of a room and not its history. A node that
// comes then, and one that only sends, make another epoch of it.
func TestEvicted(t *testing.T) {
	for _, comes := range []bool{true, false} {
		for _, half := range []bool{true, false} {
			t.Run(fmt.Sprintf("a node comes %v, the epoch is there %v", comes, half), func(t *testing.T) {
				r := redistest.Start(t)
				a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
				a.waitLinked()
				b.waitLinked()
				topic, ctx := historyRoom("x"), context.Background()
				for i := range 3 {
					a.PublishAndWait(ctx, topic, Message{Frame: frame(fmt.Sprint("old ", i))})
				}
				_, was, _, _ := a.Since(ctx, topic, "another", 0)
				c, key := r.Client(), metaKey(a.channelOf(topic))
				cmd := c.B().Del().Key(key).Build()
				if half {
					cmd = c.B().Hdel().Key(key).Field("o").Build()
				}
				if err := c.Do(ctx, cmd).Error(); err != nil {
					t.Fatal(err)
				}
				if comes {
					b.Subscribe(topic)
					b.waitSubscribed(topic)
				}
				a.PublishAndWait(ctx, topic, Message{Frame: frame("new")})
				_, at, _, _ := b.Since(ctx, topic, "another", 0)
				if at.Epoch == was.Epoch || at.Offset != 1 {
					t.Errorf("at %+v, and was at %+v", at, was)
				}
				if got, _, ok, err := b.Since(ctx, topic, at.Epoch, 0); len(got) != 1 || !ok || err != nil {
					t.Errorf("recovers %v: %v %v", got, ok, err)
				}
				if comes {
					eventually(t, "b's members have it", func() bool { return len(b.texts("x")) == 1 })
				}
			})
		}
	}
}
