package azutest_test

import (
	"fmt"
	"strings"
	"testing"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

type echo struct{ azu.Base }

func (echo) OnMessage(c azu.Conn, m azu.Message) error {
	if m.String() == "fail" {
		return azu.ErrLimit
	}
	return c.Send(m)
}

// judge is a testing.TB that remembers what it was told.
type judge struct {
	testing.TB
	errors  []string
	cleanup []func()
}

func (j *judge) Helper()          {}
func (j *judge) Cleanup(f func()) { j.cleanup = append(j.cleanup, f) }
func (j *judge) Errorf(format string, args ...any) {
	j.errors = append(j.errors, fmt.Sprintf(format, args...))
}

// TestTestsCanFail: what a test expects is compared, and hooks that failed
// without the test asking fail it.
func TestTestsCanFail(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(h *azutest.Host, c *azutest.Client)
		want string // part of the error; empty: none
	}{
		{"as expected", func(_ *azutest.Host, c *azutest.Client) { c.Send("a"); c.Expect("a") }, ""},
		{"another message", func(_ *azutest.Host, c *azutest.Client) { c.Send("a"); c.Expect("b") }, "want\n\tb"},
		{"nothing", func(_ *azutest.Host, c *azutest.Client) { c.Expect("a") }, "received\n\tnothing"},
		{"one too many", func(_ *azutest.Host, c *azutest.Client) { c.Send("a"); c.Expect() }, "want\n\tnothing"},
		{"binary", func(_ *azutest.Host, c *azutest.Client) { c.SendMessage(azu.Binary("a")); c.Expect("a") }, "binary"},
		{"failed", func(_ *azutest.Host, c *azutest.Client) { c.Send("fail") }, "LIMIT"},
		{"failed as expected", func(h *azutest.Host, c *azutest.Client) { c.Send("fail"); h.Failures() }, ""},
	} {
		j := &judge{TB: t}
		h := azutest.New(j, azutest.Options{Channel: echo{}})
		test.run(h, h.Connect("/"))
		for _, f := range j.cleanup {
			f()
		}
		got := strings.Join(j.errors, "\n")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: told %q, want %q", test.name, got, test.want)
		}
	}
}

// TestParallel: tests with hosts of their own do not meet, although hooks run
// in one instance.
func TestParallel(t *testing.T) {
	for i := range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c := azutest.New(t, azutest.Options{Path: "/:a/x", Channel: echo{}}).Connect("/1/x")
			for n := range 100 {
				text := fmt.Sprint(i, n)
				c.Send(text)
				c.Expect(text)
			}
		})
	}
}

func TestPath(t *testing.T) {
	h := azutest.New(t, azutest.Options{Path: "/a/:b", Channel: echo{}})
	for _, target := range []string{"/", "/a", "/a/", "/b/c", "/a/b/c", "nonsense"} {
		if _, err := h.Dial(target, azutest.Request{}); err == nil {
			t.Errorf("%s is accepted", target)
		}
	}
}
