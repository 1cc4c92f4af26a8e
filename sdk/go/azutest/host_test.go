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

// recorder is a testing.TB that records errors.
type recorder struct {
	testing.TB
	errors  []string
	cleanup []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// TestTestsCanFail: messages that differ from the expected ones fail a test, and so do failed hooks unless the test
// takes their failures.
func TestTestsCanFail(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(h *azutest.Host, c *azutest.Client)
		want string // part of the error; empty: no error
	}{
		{"as expected", func(_ *azutest.Host, c *azutest.Client) { c.Send("a"); c.Expect("a") }, ""},
		{"another message", func(_ *azutest.Host, c *azutest.Client) { c.Send("a"); c.Expect("b") }, "want\n\tb"},
		{"nothing", func(_ *azutest.Host, c *azutest.Client) { c.Expect("a") }, "received\n\tnothing"},
		{"one too many", func(_ *azutest.Host, c *azutest.Client) { c.Send("a"); c.Expect() }, "want\n\tnothing"},
		{"binary", func(_ *azutest.Host, c *azutest.Client) { c.SendMessage(azu.Binary("a")); c.Expect("a") }, "binary"},
		{"failed", func(_ *azutest.Host, c *azutest.Client) { c.Send("fail") }, "LIMIT"},
		{"failed as expected", func(h *azutest.Host, c *azutest.Client) { c.Send("fail"); h.Failures() }, ""},
	} {
		r := &recorder{TB: t}
		h := azutest.New(r, azutest.Options{Channel: echo{}})
		test.run(h, h.Connect("/"))
		for _, f := range r.cleanup {
			f()
		}
		got := strings.Join(r.errors, "\n")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got the errors %q, want %q", test.name, got, test.want)
		}
	}
}

// TestParallel: tests with different Hosts do not affect each other, although their hooks share an inbox.
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

// TestPath: a target that does not match the path of the route is an error.
func TestPath(t *testing.T) {
	h := azutest.New(t, azutest.Options{Path: "/a/:b", Channel: echo{}})
	for _, target := range []string{"/", "/a", "/a/", "/b/c", "/a/b/c", "nonsense"} {
		if _, err := h.Dial(target, azutest.Request{}); err == nil {
			t.Errorf("%s is accepted", target)
		}
	}
}
