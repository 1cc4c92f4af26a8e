package azu_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

var (
	cursors = azu.NewThrottle("cursors", 100*time.Millisecond)
	feed    = azu.NewBatch("feed", 3, 50*time.Millisecond)
	single  = azu.NewBatch("single", 1, time.Hour)
)

// helpers returns a host and a client of a channel with helpers. A message is the name of a helper, a space, and data
// for it. If the message ends in " fail", the hook fails.
func helpers(t *testing.T) (*azutest.Host, *azutest.Client) {
	h := start(t, &script{
		connect: func(c azu.Conn) error { return errors.Join(c.Join("r"), c.Join("cursor:r")) },
		message: func(c azu.Conn, m azu.Message) error {
			name, data, _ := strings.Cut(m.String(), " ")
			data, fails := strings.CutSuffix(data, " fail")
			var err error
			switch name {
			case "throttle":
				err = cursors.Broadcast("r", azu.Text(data))
			case "binary":
				err = cursors.Broadcast("r", azu.Binary(data))
			case "batch":
				err = feed.Add("r", []byte(data))
			case "single":
				err = single.Add("r", []byte(data))
			}
			if fails {
				return errors.New("as requested")
			}
			return err
		},
		timer: func(c azu.Conn, name string) error {
			t.Errorf("the timer %q of a helper reached the channel", name)
			return nil
		},
	})
	return h, h.Connect("/a")
}

func TestThrottle(t *testing.T) {
	h, c := helpers(t)
	c.Send("throttle 1")
	c.Expect("1") // at once
	c.Send("throttle 2")
	c.Send("throttle 3")
	h.Advance(99 * time.Millisecond)
	c.Expect()
	h.Advance(time.Millisecond)
	c.Expect("3") // the latest, at the end of the interval
	c.Send("throttle 4")
	c.Expect()
	h.Advance(100 * time.Millisecond)
	c.Expect("4")
	h.Advance(100 * time.Millisecond)
	c.Expect() // an interval without messages
	c.Send("throttle 5")
	c.Expect("5")
	h.Advance(50 * time.Millisecond)
	c.Send("binary 6")
	h.Advance(50 * time.Millisecond)
	if got := c.Received(); len(got) != 1 || got[0].IsText() || got[0].String() != "6" {
		t.Errorf("got %v, want a binary 6", got)
	}
}

// TestThrottleInFailedHooks: a message of a hook that fails is not sent and does not start an interval.
func TestThrottleInFailedHooks(t *testing.T) {
	h, c := helpers(t)
	c.Send("throttle 1 fail")
	c.Received()
	c.Send("throttle 2")
	c.Expect("2")
	c.Send("throttle 3")
	c.Send("throttle 4 fail")
	c.Received()
	h.Advance(time.Second)
	c.Expect("3")
	h.Failures()
}

func TestBatch(t *testing.T) {
	h, c := helpers(t)
	c.Send(`batch {"n":1}`)
	c.Send(`batch 2`)
	c.Expect()
	c.Send(`batch "3"`)
	c.Expect(`[{"n":1},2,"3"]`) // full
	h.Advance(time.Second)
	c.Expect()
	c.Send(`batch 4`)
	h.Advance(30 * time.Millisecond)
	c.Send(`batch 5`)
	h.Advance(19 * time.Millisecond)
	c.Expect()
	h.Advance(time.Millisecond)
	c.Expect(`[4,5]`) // an interval after the first item
	c.Send(`single 6`)
	c.Expect(`[6]`)
	large := `"` + strings.Repeat("x", 40<<10) + `"`
	c.Send(`batch 7`)
	c.Send(`batch ` + large)
	c.Expect(`[7,` + large + `]`)
	c.Send(`batch ` + large)
	c.Expect(`[` + large + `]`)
	h.Advance(time.Second)
	c.Expect()
}

// TestBatchInFailedHooks: an item of a hook that fails is not in the batch.
func TestBatchInFailedHooks(t *testing.T) {
	h, c := helpers(t)
	c.Send(`batch 1`)
	c.Send(`batch 2 fail`)
	c.Received()
	c.Send(`batch 3`)
	h.Advance(time.Second)
	c.Expect(`[1,3]`)
	h.Failures()
}

func TestTopics(t *testing.T) {
	const topics = azu.Topics("topic:")
	h := start(t, &script{message: func(c azu.Conn, m azu.Message) error {
		switch m.String() {
		case "subscribe":
			return errors.Join(c.Join("lobby"), topics.Subscribe(c, "news", "sport"))
		case "unsubscribe":
			return topics.Unsubscribe(c, "news")
		case "list":
			return c.Send(azu.Text(strings.Join(topics.Of(c), ",")))
		}
		return topics.Publish("news", m)
	}})
	a, b := h.Connect("/a"), h.Connect("/a")
	a.Send("subscribe")
	b.Send("hello")
	a.Send("list")
	a.Send("unsubscribe")
	a.Send("list")
	b.Send("gone")
	a.Expect("hello", "news,sport", "sport")
	b.Expect()
}
