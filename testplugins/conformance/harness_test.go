package conformance

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// harness is a test with a guest.
type harness struct {
	*testing.T
	backend
}

// client is a connection of a test. Its methods fail the test on errors.
type client struct {
	*testing.T
	connection
}

// open starts a backend, and fails the test if on_load fails.
func open(t *testing.T, o opener, s setup) *harness {
	t.Helper()
	b, err := o(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return &harness{t, b}
}

// dial connects to a path below the route, such as "1?do=join|r".
func (h *harness) dial(path string) client {
	h.Helper()
	return h.dialWith(request{path: path})
}

func (h *harness) dialWith(r request) client {
	h.Helper()
	c, err := h.connect(r)
	if err != nil {
		h.Fatal(err)
	}
	return client{h.T, c}
}

// run sends a script.
func (c client) run(script string) {
	c.Helper()
	c.write(abi.Text, script)
}

func (c client) write(kind abi.Kind, data string) {
	c.Helper()
	if err := c.send(kind, data); err != nil {
		c.Fatal(err)
	}
}

// next receives one message. want is for the error text.
func (c client) next(want string) message {
	c.Helper()
	m, err := c.receive()
	if err != nil {
		c.Fatalf("want %s: %v", shorten(want), err)
	}
	return m
}

// expect receives messages and compares them with texts. A text that begins with ~ is a regular expression.
func (c client) expect(texts ...string) {
	c.Helper()
	for _, want := range texts {
		if got := c.next(want).data; !matches(got, want) {
			c.Fatalf("got %s, want %s", shorten(got), shorten(want))
		}
	}
}

func matches(got, want string) bool {
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(got)
	}
	return got == want
}

// exchange sends a script and expects its answers.
func (c client) exchange(script string, answers ...string) {
	c.Helper()
	c.run(script)
	c.expect(answers...)
}

// expectClose expects a close frame as the next one.
func (c client) expectClose(code int, reason string) {
	c.Helper()
	m, err := c.receive()
	var closed *closedError
	if !errors.As(err, &closed) || *closed != (closedError{code, reason}) {
		c.Fatalf("got %s, %v; want a close with %d %s", shorten(m.data), err, code, reason)
	}
}

// poll repeats a command until it has the answer.
func (h *harness) poll(c client, command, answer string) {
	h.Helper()
	for end := h.now().Add(patience); ; h.wait(time.Millisecond) {
		c.run(command)
		got := c.next(answer).data
		if got == answer {
			return
		}
		if h.now().After(end) {
			h.Fatalf("the answer to %s is still %s, want %s", command, shorten(got), shorten(answer))
		}
	}
}

// shorten returns s for an error text.
func shorten(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}
