package broker

import (
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestRedisRefusesWrites: while Redis has no memory or too few replicas, members of the publishing node get
// messages at once, and those on others afterwards. The link stays up.
func TestRedisRefusesWrites(t *testing.T) {
	for name, value := range map[string]string{"min-replicas-to-write": "1", "maxmemory": "1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := redistest.Start(t)
			a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
			for _, n := range []*node{a, b} {
				n.waitLinked()
				for _, topic := range []Topic{historyRoom("x"), room("plain")} {
					n.Subscribe(topic)
					n.waitSubscribed(topic)
				}
			}
			a.publishf(room("plain"), "before") // Redis accepts one more message of a new room
			a.publishf(historyRoom("x"), "a 0")
			eventually(t, "b has one", func() bool { return len(b.texts("x")) == 1 && len(b.texts("plain")) == 1 })
			c := r.Client()
			set := func(value string) {
				t.Helper()
				cmd := c.B().ConfigSet().ParameterValue().ParameterValue(name, value).Build()
				if err := c.Do(t.Context(), cmd).Error(); err != nil {
					t.Fatal(err)
				}
			}
			set(value)
			a.publishf(historyRoom("x"), "a 1")
			a.publishf(room("plain"), "lost")
			eventually(t, "a's members have it", func() bool {
				return len(a.texts("x")) == 2 && len(a.texts("plain")) == 2
			})
			a.publishf(historyRoom("x"), "a 2")
			if got := a.texts("x"); len(got) != 3 {
				t.Errorf("a's members have %q", got)
			}
			b.Subscribe(historyRoom("another")) // Redis cannot begin its history; the link stays up
			b.waitSubscribed(historyRoom("another"))
			set("0")
			for _, n := range []*node{a, b} {
				eventually(t, n.name+" has three", func() bool { return len(n.texts("x")) == 3 })
			}
			a.publishf(historyRoom("x"), "a 3")
			for _, n := range []*node{a, b} {
				eventually(t, n.name+" has four", func() bool { return len(n.texts("x")) >= 4 })
				wantSequence(t, n.texts("x"), "a", 0, 4)
				if s := n.Stats(); s.Links != 1 || s.Missed+s.Overflow+s.Resets > 0 {
					t.Errorf("%s: %+v", n.name, s)
				}
			}
			if s := a.Stats(); s.Unsent != 1 {
				t.Errorf("a: %+v", s)
			}
		})
	}
}
