package conformance

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
	"github.com/azuhost/azuhost/testplugins/conformance/go/guest"
)

// azutestBackend is the fake host of the Go SDK with the guest in Go, compiled natively.
type azutestBackend struct {
	host     *azutest.Host
	failures []string
}

func openAzutest(t *testing.T, s setup) (backend, error) {
	o := azutest.Options{Path: route, Config: s.configJSON(), Channel: guest.New(), PresenceGrace: -1}
	h, err := azutest.Load(t, o)
	if err != nil {
		return nil, err
	}
	return &azutestBackend{host: h}, nil
}

// configJSON returns the config of the route, empty for none.
func (s setup) configJSON() string {
	if s.noConfig {
		return ""
	}
	return `{"do":"` + s.onLoad() + `"}`
}

// collectFailures takes the failures of hooks from the fake host, which would fail the test for them.
func (b *azutestBackend) collectFailures() { b.failures = append(b.failures, b.host.Failures()...) }

func (b *azutestBackend) connect(r request) (connection, error) {
	header := map[string]string{}
	for name, value := range r.header {
		header[name] = strings.TrimSpace(value) // as an HTTP client does
	}
	c, err := b.host.Dial(r.target(), azutest.Request{Header: header, Subprotocol: r.subprotocol, Claims: r.claims})
	b.collectFailures()
	if refused := (*azutest.Refused)(nil); errors.As(err, &refused) {
		return nil, &refusedError{refused.Status}
	}
	if err != nil {
		return nil, err
	}
	return &azutestConn{b: b, client: c}, nil
}

func (b *azutestBackend) publish(p publication) error {
	err := b.host.Publish(azu.Target{Room: azu.Room(p.room), User: azu.User(p.user)}, toMessage(p.kind, p.data))
	b.collectFailures()
	if refused := (*azutest.Refused)(nil); errors.As(err, &refused) {
		return &refusedError{refused.Status}
	}
	return err
}

func toMessage(kind abi.Kind, data string) azu.Message {
	return azu.Message{Kind: azu.Kind(kind), Data: []byte(data)}
}

func (b *azutestBackend) wait(d time.Duration) {
	b.host.Advance(d)
	b.collectFailures()
}

func (b *azutestBackend) now() time.Time { return b.host.Now() }

func (b *azutestBackend) logLines() (lines []logLine) {
	for _, l := range b.host.Logs() {
		level := [...]string{"DEBUG", "INFO", "WARN", "ERROR"}[l.Level]
		lines = append(lines, logLine{level, l.Text})
	}
	for _, text := range b.failures {
		lines = append(lines, logLine{text: text})
	}
	return lines
}

// awaitFailure does not know the hook: the fake host has the texts of failures only.
func (b *azutestBackend) awaitFailure(string) error {
	if len(b.failures) == 0 {
		return errors.New("no hook has failed")
	}
	return nil
}

// metric does not know whether a series exists: the fake host returns 0 for all others.
func (b *azutestBackend) metric(name string, labels ...label) (float64, bool) {
	var list []azu.Label
	for _, l := range labels {
		list = append(list, azu.Label{Name: l.name, Value: l.value})
	}
	v := b.host.Metric(name, list...)
	return v, v != 0
}

// azutestConn is a connection of the fake host.
type azutestConn struct {
	b      *azutestBackend
	client *azutest.Client
	queue  []azu.Message // received by the client, and not returned by receive
}

func (c *azutestConn) send(kind abi.Kind, data string) error {
	c.client.SendMessage(toMessage(kind, data))
	c.b.collectFailures()
	return nil
}

// receive lets time pass on the clock of the fake host while there is no message.
func (c *azutestConn) receive() (message, error) {
	for end := c.b.now().Add(patience); ; c.b.wait(time.Millisecond) {
		c.queue = append(c.queue, c.client.Received()...)
		if len(c.queue) > 0 {
			m := c.queue[0]
			c.queue = slices.Delete(c.queue, 0, 1)
			return message{abi.Kind(m.Kind), m.String()}, nil
		}
		if code, reason, closed := c.client.Closed(); closed {
			return message{}, &closedError{code, reason}
		}
		if c.b.now().After(end) {
			return message{}, errors.New("no message arrived")
		}
	}
}

func (c *azutestConn) close(code int, reason string) error {
	c.client.Close(code, reason)
	c.b.collectFailures()
	return nil
}

func (c *azutestConn) abort() error { return c.close(1006, "") }

func (c *azutestConn) ping() (wait func() error) {
	c.client.Ping("1")
	return func() error { return nil }
}

func (c *azutestConn) pong() error {
	c.client.Pong("")
	return nil
}
