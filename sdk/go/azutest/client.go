package azutest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/internal/hook"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// Request is what a client says when it connects, besides the target.
type Request struct {
	Header      map[string]string
	RemoteAddr  string // empty: 127.0.0.1
	Subprotocol string // the agreed one

	// Claims are those of a token that the host would have verified, as a JSON
	// object: its sub is the user of the connection. Empty: there is no token.
	Claims string
}

// Refused is the error of a connection that was not accepted.
type Refused struct{ Status int }

func (r *Refused) Error() string { return fmt.Sprintf("azutest: refused with status %d", r.Status) }

// Client is a connection, seen from the client.
type Client struct {
	host    *Host
	id      uint64
	params  map[string]string
	query   url.Values
	request Request

	dialing  bool // on_connect runs
	open     bool
	received []azu.Message
	bye      *farewell
}

// Connect connects a client; the test fails if it is refused.
func (h *Host) Connect(target string) *Client {
	h.t.Helper()
	c, err := h.Dial(target, Request{})
	if err != nil {
		h.t.Fatalf("connect to %s: %v", target, err)
	}
	return c
}

// Dial connects a client. The error is a *Refused if the channel refused the
// connection. A client that the channel upgraded and closed is returned:
// [Client.Closed] tells.
func (h *Host) Dial(target string, r Request) (*Client, error) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	params, err := h.match(u.Path)
	if err != nil {
		return nil, err
	}
	if r.RemoteAddr == "" {
		r.RemoteAddr = "127.0.0.1"
	}
	h.lastID++
	c := &Client{host: h, id: h.lastID, params: params, query: u.Query(), request: r, dialing: true, open: true}
	h.clients[c.id] = c
	if err := c.verified(); err != nil {
		delete(h.clients, c.id)
		return nil, err
	}
	tx := h.run(c.id, target, func(n uint32) int32 { return hook.Connect(c.id, n) })
	c.dialing = false
	if !tx.failed() {
		h.deliver(tx.sent)
		h.settle()
		return c, nil
	}
	delete(h.clients, c.id)
	delete(h.user, c.id)
	refused := tx.text == nil && (tx.code >= 400 && tx.code < 600 || tx.code >= 3000 && tx.code < 5000)
	if refused {
		h.failures = h.failures[:len(h.failures)-1] // it was meant
	}
	if refused && tx.code >= 3000 {
		for _, d := range tx.sent {
			if d.to == c {
				c.received = append(c.received, d.message)
			}
		}
		c.open, c.bye = false, &farewell{code: int(tx.code)}
		return c, nil
	}
	if !refused {
		return nil, &Refused{500}
	}
	return nil, &Refused{int(tx.code)}
}

// verified identifies the connection by the sub of its claims.
func (c *Client) verified() error {
	if c.request.Claims == "" {
		return nil
	}
	claims, err := json.Parse([]byte(c.request.Claims))
	if err != nil {
		return fmt.Errorf("azutest: Request.Claims: %w", err)
	}
	sub := claims.Get("sub").Str()
	if name(sub) < 0 {
		return errors.New("azutest: Request.Claims has no sub that can be a user")
	}
	c.host.user[c.id] = sub
	return nil
}

// Conn is the client's connection, as the channel knows it.
func (c *Client) Conn() azu.Conn { return azu.Conn(c.id) }

// Send sends a text message.
func (c *Client) Send(text string) {
	c.host.t.Helper()
	c.SendMessage(azu.Text(text))
}

// SendMessage sends a message of any kind. If the hook fails, the client gets
// INTERNAL_ERROR, as with a real host.
func (c *Client) SendMessage(m azu.Message) {
	c.host.t.Helper()
	c.must()
	ok := c.host.handle(c.id, string(m.Data), func(n uint32) int32 { return hook.Message(c.id, n, int32(m.Kind)) })
	if !ok && c.open {
		c.received = append(c.received, azu.Text(`{"type":"error","code":"INTERNAL_ERROR"}`))
	}
}

// Ping sends a ping, which the channel sees if it imports sdk/go/onping.
func (c *Client) Ping(payload string) {
	c.host.t.Helper()
	c.must()
	if hook.HasPing {
		c.host.handle(c.id, payload, func(n uint32) int32 { return hook.Ping(c.id, n) })
	}
}

// Pong sends a pong, which the channel sees if it imports sdk/go/onpong.
func (c *Client) Pong(payload string) {
	c.host.t.Helper()
	c.must()
	if hook.HasPong {
		c.host.handle(c.id, payload, func(n uint32) int32 { return hook.Pong(c.id, n) })
	}
}

func (c *Client) must() {
	c.host.t.Helper()
	if !c.open {
		c.host.t.Fatalf("azutest: connection %d is closed", c.id)
	}
}

// Close closes the connection from the client's side. Code 1006: it breaks.
func (c *Client) Close(code int, reason string) {
	c.host.t.Helper()
	c.must()
	c.end(code, reason)
	c.host.settle()
}

// end has the channel see the end, and forgets the connection.
func (c *Client) end(code int, reason string) {
	h := c.host
	c.open, c.bye = false, &farewell{code, reason}
	tx := h.run(c.id, reason, func(n uint32) int32 { return hook.Close(c.id, n, int32(code)) })
	delete(h.clients, c.id)
	delete(h.user, c.id)
	delete(h.rooms, c.id)
	delete(h.closing, c.id)
	for p := range h.values {
		if p.conn == c.id {
			delete(h.values, p)
		}
	}
	for p := range h.timers {
		if p.conn == c.id {
			delete(h.timers, p)
		}
	}
	if !tx.failed() {
		h.deliver(tx.sent)
	}
}

// Closed gives the code and reason with which the connection was closed.
func (c *Client) Closed() (code int, reason string, closed bool) {
	if c.bye == nil {
		return 0, "", false
	}
	return c.bye.code, c.bye.reason, true
}

// Received gives the messages that came since the last call.
func (c *Client) Received() []azu.Message {
	m := c.received
	c.received = nil
	return m
}

// Expect fails the test unless exactly these text messages came since the
// last call, in this order. Without arguments: unless nothing came.
func (c *Client) Expect(want ...string) {
	c.host.t.Helper()
	var got []string
	for _, m := range c.Received() {
		if m.IsText() {
			got = append(got, m.String())
		} else {
			got = append(got, fmt.Sprintf("binary %q", m.Data))
		}
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		c.host.t.Errorf("connection %d received\n\t%s\nwant\n\t%s", c.id, list(got), list(want))
	}
}

func list(messages []string) string {
	if len(messages) == 0 {
		return "nothing"
	}
	return strings.Join(messages, "\n\t")
}
