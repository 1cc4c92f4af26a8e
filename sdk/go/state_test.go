package azu_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

func TestValuesStoreTimers(t *testing.T) {
	var fired []string
	h := start(t, &script{
		message: func(c azu.Conn, m azu.Message) error {
			_, err := c.Value("k")
			equal(t, "no value", err, error(azu.ErrNotFound))
			equal(t, "nothing to delete", c.DeleteValue("k"), error(azu.ErrNotFound))
			if err := errors.Join(c.SetValue("k", "v"), c.SetValue("k", "w")); err != nil {
				return err
			}
			v, err := c.Value("k")
			b, err2 := c.AppendValue([]byte("+"), "k")
			equal(t, "value", v+string(b), "w+w")
			if err := errors.Join(err, err2, c.DeleteValue("k")); err != nil {
				return err
			}
			sum, err := azu.Key("n").Add(5, time.Minute)
			sum2, err2 := azu.Key("n").Add(-7, time.Hour)
			text, err3 := azu.Key("n").Get()
			equal(t, "sums", join(sum, sum2, text), "5 -2 -2")
			return errors.Join(err, err2, err3, azu.Key("s").Set("x", 0),
				azu.SetTimer("all", 2*time.Second), c.SetTimer("one", time.Second), c.SetTimer("one", 3*time.Second),
				c.SetTimer("never", time.Second), c.ClearTimer("never"))
		},
		timer: func(c azu.Conn, name string) error {
			fired = append(fired, join(c, name, azu.Now().Sub(azutest.Start)))
			return nil
		},
	})
	c := h.Connect("/a")
	c.Send("")
	h.Advance(time.Minute - 1)
	equal(t, "fired", fired, []string{"0 all 2s", "1 one 3s"})
	if v, ok := h.Stored("n"); v != "-2" || !ok {
		t.Errorf("before it expires n is %q, %v", v, ok)
	}
	h.Advance(1)
	if v, ok := h.Stored("n"); ok {
		t.Errorf("after it expires n is %q", v)
	}
	if v, ok := h.Stored("s"); v != "x" || !ok {
		t.Errorf("s is %q, %v", v, ok)
	}
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("x", 256)
	h := start(t, &script{message: func(c azu.Conn, m azu.Message) error {
		for _, name := range []string{"", long, "a\nb", "\xff", "\u0085"} {
			for i, err := range []error{
				c.Join(azu.Room(name)), c.Leave(azu.Room(name)), azu.Room(name).Broadcast(m), azu.User(name).Send(m),
				c.SetValue(name, ""), azu.Key(name).Set("", 0), c.SetTimer(name, 0), azu.Counter(name).Add(1),
			} {
				if !errors.Is(err, azu.ErrInvalid) {
					t.Errorf("name %q, call %d: %v", name, i, err)
				}
			}
		}
		equal(t, "a text that is not UTF-8", c.Send(azu.Text("\xff")), error(azu.ErrInvalid))
		equal(t, "unknown kind", c.Send(azu.Message{Kind: 9}), error(azu.ErrInvalid))
		equal(t, "bad code", c.Close(1005, ""), error(azu.ErrInvalid))
		equal(t, "long reason", c.Close(1000, long[:124]), error(azu.ErrInvalid))
		nobody := azu.Conn(99)
		equal(t, "nobody", join(nobody.Send(m), nobody.Join("r"), nobody.SetTimer("t", 0)),
			join(azu.ErrNotFound, azu.ErrNotFound, azu.ErrNotFound))
		equal(t, "label", azu.Counter("c").Add(1, azu.Label{Name: "a", Value: "b\nc"}), error(azu.ErrInvalid))
		return nil
	}})
	h.Connect("/a").Send("")
	for e := azu.Errno(-1); e >= -8; e-- {
		if !strings.Contains(e.Error(), "(") {
			t.Errorf("the text of %d has no name: %v", e, e)
		}
	}
}

func TestMetrics(t *testing.T) {
	h := start(t, &script{message: func(c azu.Conn, m azu.Message) error {
		kind := azu.Label{Name: "kind", Value: "a=b"}
		return errors.Join(azu.Counter("c").Add(2), azu.Counter("c").Add(3), azu.Counter("d").Add(1, kind),
			azu.Gauge("g").Set(-1.5), azu.Histogram("h").Observe(0.25))
	}})
	h.Connect("/a").Send("")
	labelled := h.Metric("d", azu.Label{Name: "kind", Value: "a=b"})
	equal(t, "metrics", []float64{h.Metric("c"), labelled, h.Metric("g"), h.Metric("h")}, []float64{5, 1, -1.5, 0.25})
}
