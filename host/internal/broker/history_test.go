package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestHistory: Since returns the messages after an offset if the history has all of them.
func TestHistory(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	small := historyRoom("small")
	small.Size = 3
	for i := range 5 {
		a.PublishAndWait(context.Background(), small, Message{Frame: textFrame(fmt.Sprint(i + 1))})
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

// TestDamagedHistory: a foreign entry in a history is a gap; the entries after it can be read.
func TestDamagedHistory(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	ctx, topic := context.Background(), historyRoom("x")
	a.PublishAndWait(ctx, topic, Message{Frame: textFrame("1")})
	c := r.Client()
	add := c.B().Xadd().Key(streamKey(a.channelOf(topic))).Id("1-1").FieldValue().FieldValue("not", "ours").Build()
	if err := c.Do(ctx, add).Error(); err != nil {
		t.Fatal(err)
	}
	a.PublishAndWait(ctx, topic, Message{Frame: textFrame("2")})
	_, at, _, _ := a.Since(ctx, topic, "another", 0)
	for offset, ok := range map[uint64]bool{0: false, 1: true} {
		entries, _, got, err := a.Since(ctx, topic, at.Epoch, offset)
		if got != ok || err != nil || ok && len(entries) != 1 {
			t.Errorf("since %d: %v %v %v", offset, entries, got, err)
		}
	}
}
