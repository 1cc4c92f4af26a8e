package azutest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/internal/hook"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// Request is the handshake of a client, besides its target.
type Request struct {
	Header      map[string]string
	RemoteAddr  string // empty means 127.0.0.1
	Subprotocol string // the one that client and host have agreed on

	// Claims are the claims of the client's token, as a JSON object. The Host does not verify a token. The claim sub is
	// the user of the connection. Empty means that the client sends no token.
	Claims string
}

// Refused is the error of a connection or a publication that the channel has refused.
type Refused struct {
	Status int // of HTTP
}

func (r *Refused) Error() string { return fmt.Sprintf("azutest: refused with status %d", r.Status) }

// Client is a connection, from the client's side.
type Client struct {
	host    *Host
	id      uint64
	params  map[string]string
	query   map[string]string
	request Request

	open     bool
	received []azu.Message
	closed   *closeFrame // nil while the connection is open
}

// Connect connects a client. The test fails if the channel refuses it.
func (h *Host) Connect(target string) *Client {
	h.t.Helper()
	c, err := h.Dial(target, Request{})
	if err != nil {
		h.t.Fatalf("connect to %s: %v", target, err)
	}
	return c
}

// Dial connects a client. The error is a *Refused if the channel refuses the connection. Dial also returns a client
// that the channel has upgraded and closed; [Client.Closed] shows it.
func (h *Host) Dial(target string, r Request) (*Client, error) {
	c, err := h.newClient(target, r)
	if err != nil {
		return nil, err
	}
	ev := event{conn: c.id, data: target, hook: onConnect}
	tx := h.run(ev, func(n uint32) int32 { return hook.Connect(c.id, n) })
	if !tx.failed() {
		h.deliver(tx.sent)
		h.settle()
		return c, nil
	}
	h.forget(c)
	switch {
	case tx.refused(400, 599):
		h.forgetFailure()
		return nil, &Refused{int(tx.code)}
	case tx.refused(3000, 4999):
		h.forgetFailure()
		for _, d := range tx.sent {
			if d.to == c {
				c.received = append(c.received, d.message)
			}
		}
		c.open, c.closed = false, &closeFrame{code: int(tx.code)}
		return c, nil
	}
	return nil, &Refused{500}
}

// newClient returns a client whose on_connect has not run yet.
func (h *Host) newClient(target string, r Request) (*Client, error) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	params, err := h.match(u.Path)
	if err != nil {
		return nil, err
	}
	user, err := r.user()
	if err != nil {
		return nil, err
	}
	if r.RemoteAddr == "" {
		r.RemoteAddr = "127.0.0.1"
	}
	h.lastID++
	c := &Client{host: h, id: h.lastID, params: params, query: parseQuery(u.RawQuery), request: r, open: true}
	h.clients[c.id] = c
	if user != "" {
		h.users[c.id] = user
	}
	return c, nil
}

// user returns the user of the claims. It is empty without claims.
func (r *Request) user() (string, error) {
	if r.Claims == "" {
		return "", nil
	}
	claims, err := json.Parse([]byte(r.Claims))
	if err != nil {
		return "", fmt.Errorf("azutest: Request.Claims: %w", err)
	}
	sub := claims.Get("sub").Str()
	if checkNames(sub) < 0 {
		return "", errors.New("azutest: Request.Claims has no sub that is a valid user")
	}
	return sub, nil
}

// Conn returns the connection as the channel has it.
func (c *Client) Conn() azu.Conn { return azu.Conn(c.id) }

// Send sends a text message.
func (c *Client) Send(text string) {
	c.host.t.Helper()
	c.SendMessage(azu.Text(text))
}

// SendMessage sends a message of any kind. If the hook fails, the client receives INTERNAL_ERROR, as from the real
// host.
func (c *Client) SendMessage(m azu.Message) {
	c.host.t.Helper()
	c.requireOpen()
	ev := event{conn: c.id, data: string(m.Data)}
	ok := c.host.handle(ev, func(n uint32) int32 { return hook.Message(c.id, n, int32(m.Kind)) })
	if !ok && c.open {
		c.received = append(c.received, azu.Text(`{"type":"error","code":"INTERNAL_ERROR"}`))
	}
}

// Ping sends a ping. The channel gets it if the program imports sdk/go/onping.
func (c *Client) Ping(payload string) {
	c.host.t.Helper()
	c.requireOpen()
	if hook.HasPing {
		c.host.handle(event{conn: c.id, data: payload}, func(n uint32) int32 { return hook.Ping(c.id, n) })
	}
}

// Pong sends a pong. The channel gets it if the program imports sdk/go/onpong.
func (c *Client) Pong(payload string) {
	c.host.t.Helper()
	c.requireOpen()
	if hook.HasPong {
		c.host.handle(event{conn: c.id, data: payload}, func(n uint32) int32 { return hook.Pong(c.id, n) })
	}
}

func (c *Client) requireOpen() {
	c.host.t.Helper()
	if !c.open {
		c.host.t.Fatalf("azutest: connection %d is closed", c.id)
	}
}

// Close closes the connection from the client's side. The code 1006 stands for a connection that breaks.
func (c *Client) Close(code int, reason string) {
	c.host.t.Helper()
	c.requireOpen()
	c.end(closeFrame{code, reason})
	c.host.settle()
}

// end runs the on_close of the connection, and removes the connection.
func (c *Client) end(frame closeFrame) {
	h := c.host
	c.open, c.closed = false, &frame
	ev := event{conn: c.id, data: frame.reason}
	tx := h.run(ev, func(n uint32) int32 { return hook.Close(c.id, n, int32(frame.code)) })
	h.forget(c)
	if !tx.failed() {
		h.deliver(tx.sent)
	}
}

// forget removes all that belongs to a connection.
func (h *Host) forget(c *Client) {
	delete(h.clients, c.id)
	delete(h.users, c.id)
	delete(h.rooms, c.id)
	delete(h.closing, c.id)
	for k := range h.values {
		if k.conn == c.id {
			delete(h.values, k)
		}
	}
	for k := range h.timers {
		if k.conn == c.id {
			delete(h.timers, k)
		}
	}
}

// Closed returns the code and the reason with which the connection was closed. closed is false while it is open.
func (c *Client) Closed() (code int, reason string, closed bool) {
	if c.closed == nil {
		return 0, "", false
	}
	return c.closed.code, c.closed.reason, true
}

// Received returns the messages that have arrived since the last call.
func (c *Client) Received() []azu.Message {
	m := c.received
	c.received = nil
	return m
}

// Expect fails the test unless exactly these text messages have arrived since the last call, in this order. Without
// arguments it fails the test unless no message has arrived.
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
	if !slices.Equal(got, want) {
		c.host.t.Errorf("connection %d received\n\t%s\nwant\n\t%s", c.id, describe(got), describe(want))
	}
}

// describe returns messages for an error text.
func describe(messages []string) string {
	if len(messages) == 0 {
		return "nothing"
	}
	return strings.Join(messages, "\n\t")
}
