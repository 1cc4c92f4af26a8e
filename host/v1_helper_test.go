package host_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
)

// control has the fields of all control messages that the host sends.
type control struct {
	Type, Conn, Room, Epoch, Code, User string
	ID                                  float64
	Offset                              uint64
	Recovered, Skip, Missed             bool
	Count                               int
	Users                               []string
}

// dialV1 connects with the subprotocol azuhost.v1 and returns the connection and the welcome.
func dialV1(t testing.TB, url string) (*websocket.Conn, control) {
	t.Helper()
	c, _, err := dialWith(t, url, map[string]string{"Sec-WebSocket-Protocol": "azuhost.v1"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Subprotocol() != host.Protocol {
		t.Fatalf("subprotocol %q", c.Subprotocol())
	}
	return c, wantControl(t, c, "welcome")
}

// wantControl reads a control message and expects that it has a type.
func wantControl(t testing.TB, c *websocket.Conn, typ string) (m control) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	if err != nil {
		t.Fatalf("want %s: %v", typ, err)
	}
	if len(b) == 0 || b[0] != 0x1e {
		t.Fatalf("got the message %q, want the control message %s", b, typ)
	}
	if err := json.Unmarshal(b[1:], &m); err != nil || m.Type != typ {
		t.Fatalf("got %s (%v), want %s", b, err, typ)
	}
	return m
}

// wantAnyControl reads a control message.
func wantAnyControl(t testing.TB, c *websocket.Conn) (m control) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	if err != nil || len(b) == 0 || b[0] != 0x1e || json.Unmarshal(b[1:], &m) != nil {
		t.Fatalf("got %q, %v", b, err)
	}
	return m
}

// request sends a control message.
func request(t testing.TB, c *websocket.Conn, format string, args ...any) {
	t.Helper()
	send(t, c, "\x1e"+fmt.Sprintf(format, args...))
}

// historyRoute returns a route with histories that sends each message to the room of the path. A message that begins
// with "others:" is not sent back to its sender.
func historyRoute() host.Route {
	room := func(env host.Env, id host.ConnID) string {
		b, _ := env.Param(id, "room")
		return b
	}
	return host.Route{
		Path: "/rooms/:room", History: host.History{Size: 4}, SharePresence: true, PresenceGrace: -1,
		Channel: &host.Funcs{
			OnConnect: func(env host.Env, id host.ConnID) error {
				if user, err := env.Query(id, "user"); err == nil {
					if err := env.Identify(id, user); err != nil {
						return err
					}
				}
				return env.Join(id, room(env, id))
			},
			OnMessage: func(env host.Env, id host.ConnID, m host.Message) error {
				except := host.ConnID(0)
				if strings.HasPrefix(string(m.Data), "others:") {
					except = id
				}
				return env.Broadcast(room(env, id), m.Kind, m.Data, except)
			},
		},
	}
}
