package scenario

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// client is a client of the script.
type client struct {
	conn *websocket.Conn
	done chan struct{} // closed when the reader has ended

	mu     sync.Mutex
	unread []message // received, and expected by no line yet
	code   int       // of the close; 0: open
	reason string
}

// message is a message that a client has received, or that a line expects.
type message struct {
	kind websocket.MessageType
	data string
}

// String returns the message as a script has it.
func (m message) String() string {
	if m.kind == websocket.MessageBinary {
		return "bytes " + hex.EncodeToString([]byte(m.data))
	}
	return m.data
}

// matches reports whether got is the message that a line expects.
func (m message) matches(got message) bool {
	if m.kind != got.kind {
		return false
	}
	if m.kind == websocket.MessageBinary {
		return m.data == got.data
	}
	return matches(m.data, got.data)
}

// internalError is the code in the message to a client whose hook has failed.
const internalError = "INTERNAL_ERROR"

// maxMessage is the size of the largest message that a client receives, in bytes.
const maxMessage = 64 << 20

// read reads messages until the connection ends.
func (c *client) read() {
	for {
		kind, data, err := c.conn.Read(context.Background())
		c.mu.Lock()
		if err != nil {
			var ce websocket.CloseError
			if errors.As(err, &ce) {
				c.code, c.reason = int(ce.Code), ce.Reason
			} else {
				c.code = 1006
			}
			c.mu.Unlock()
			_ = c.conn.CloseNow()
			return
		}
		c.unread = append(c.unread, message{kind, string(data)})
		c.mu.Unlock()
	}
}

func (c *client) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code == 0
}

// client returns a client by its name.
func (p *player) client(name string) (*client, error) {
	if c := p.clients[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%s has not connected", name)
}

// openClient returns a client that is connected.
func (p *player) openClient(name string) (*client, error) {
	c, err := p.client(name)
	if err == nil && !c.open() {
		return nil, fmt.Errorf("%s is closed with %d %s", name, c.code, c.reason)
	}
	return c, err
}

func (p *player) dial(target string, headers map[string]string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), idleTimeout)
	defer cancel()
	o := &websocket.DialOptions{HTTPClient: p.http, HTTPHeader: http.Header{}}
	for k, v := range headers {
		switch k {
		case "Host":
			o.Host = v
		case "Sec-WebSocket-Protocol":
			o.Subprotocols = strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' })
		default:
			o.HTTPHeader.Set(k, v)
		}
	}
	return websocket.Dial(ctx, "ws://localhost"+target, o)
}

// connect plays a line "connects".
func (p *player) connect(name, target string, headers map[string]string) error {
	if c := p.clients[name]; c != nil && c.open() {
		return fmt.Errorf("%s is connected already", name)
	}
	conn, res, err := p.dial(target, headers)
	if err != nil {
		if res != nil {
			return &Error{Expected: "a connection", Got: p.describeRefusal(res)}
		}
		return err
	}
	conn.SetReadLimit(maxMessage)
	c := &client{conn: conn, done: make(chan struct{})}
	p.clients[name] = c
	mc := p.dialed
	p.sim.trackReader(mc, true)
	go func() {
		defer p.sim.trackReader(mc, false)
		defer close(c.done)
		c.read()
	}()
	return p.sim.awaitIdle()
}

// refused plays a line "is refused".
func (p *player) refused(target string, headers map[string]string, status int) error {
	want := fmt.Sprintf("refused with %d", status)
	conn, res, err := p.dial(target, headers)
	if err == nil {
		_ = conn.CloseNow()
		return &Error{Expected: want, Got: "a connection"}
	}
	if res == nil {
		return err
	}
	if res.StatusCode != status {
		return &Error{Expected: want, Got: p.describeRefusal(res)}
	}
	if status >= 500 {
		p.log.expectFailures()
	}
	return p.sim.awaitIdle()
}

func (p *player) describeRefusal(res *http.Response) string {
	return fmt.Sprintf("refused with %d%s", res.StatusCode, p.log.lastFailure())
}

// send plays a line "sends".
func (p *player) send(name string, m message) error {
	c, err := p.openClient(name)
	if err != nil {
		return err
	}
	if err := c.conn.Write(context.Background(), m.kind, []byte(m.data)); err != nil {
		return err
	}
	return p.sim.awaitIdle()
}

// ping plays a line "pings".
func (p *player) ping(name string) error {
	c, err := p.openClient(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), idleTimeout)
	defer cancel()
	if err := c.conn.Ping(ctx); err != nil {
		return err
	}
	return p.sim.awaitIdle()
}

// receive plays a line "receives".
func (p *player) receive(name string, want message) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unread) == 0 {
		got := "nothing"
		if c.code != 0 {
			got = fmt.Sprintf("closed with %d %s", c.code, c.reason)
		}
		return &Error{Expected: want.String(), Got: got + p.log.lastFailure()}
	}
	if got := c.unread[0]; !want.matches(got) {
		return &Error{Expected: want.String(), Got: p.describe(got)}
	}
	if strings.Contains(want.data, internalError) {
		p.log.expectFailures()
	}
	c.unread = c.unread[1:]
	return nil
}

// receiveNothing plays a line "receives nothing".
func (p *player) receiveNothing(name string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unread) > 0 {
		return &Error{Expected: "nothing", Got: p.describe(c.unread[0])}
	}
	return nil
}

// describe returns a received message for an error. If the message says that a
// hook has failed, the reason follows.
func (p *player) describe(m message) string {
	if strings.Contains(m.data, internalError) {
		return m.String() + p.log.lastFailure()
	}
	return m.String()
}

// ignore plays a line "ignores the rest".
func (p *player) ignore(name string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread = nil
	return nil
}

// disconnect plays a line "disconnects".
func (p *player) disconnect(name string, code int, reason string) error {
	c, err := p.openClient(name)
	if err != nil {
		return err
	}
	if err := c.conn.Close(websocket.StatusCode(code), reason); err != nil && websocket.CloseStatus(err) == -1 {
		return err
	}
	<-c.done
	return p.sim.awaitIdle()
}

// vanish plays a line "vanishes".
func (p *player) vanish(name string) error {
	c, err := p.openClient(name)
	if err != nil {
		return err
	}
	_ = c.conn.CloseNow()
	<-c.done
	return p.sim.awaitIdle()
}

// closed plays a line "is closed with".
func (p *player) closed(name string, code int, reason string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	want := strings.TrimSpace(fmt.Sprintf("closed with %d %s", code, reason))
	switch {
	case c.code == 0:
		return &Error{Expected: want, Got: "open" + p.log.lastFailure()}
	case c.code != code, reason != "" && !matchesText(reason, c.reason):
		return &Error{Expected: want, Got: strings.TrimSpace(fmt.Sprintf("closed with %d %s", c.code, c.reason))}
	}
	if code == 1011 {
		p.log.expectFailures()
	}
	if len(c.unread) > 0 {
		return &Error{Expected: want, Got: "an unread message before it: " + p.describe(c.unread[0])}
	}
	return nil
}
