// Package wstest is a WebSocket client for tests that send many messages or bytes of their own. It costs little and
// checks nothing that a test does not ask for.
package wstest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Conn is a connection after the handshake. It does not answer pings and closes. One goroutine may read while another
// one writes.
type Conn struct {
	net.Conn
	r       *bufio.Reader
	payload []byte // of the last frame
}

// Dial connects to a path of a server at ws://host:port. header has more lines for the handshake, as "Name: value".
// All of the connection's reads and writes must be done in 30 s, unless the test sets another deadline. The
// connection is closed at the end of the test.
func Dial(t testing.TB, address, path string, header ...string) *Conn {
	t.Helper()
	c, res := handshake(t, address, path, header)
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", path, res.Status)
	}
	return c
}

// DialStatus is Dial for a handshake that may be refused. It returns the HTTP status and closes the connection.
func DialStatus(t testing.TB, address, path string) int {
	t.Helper()
	c, res := handshake(t, address, path, nil)
	_ = c.Close()
	return res.StatusCode
}

func handshake(t testing.TB, address, path string, header []string) (*Conn, *http.Response) {
	t.Helper()
	n, err := net.Dial("tcp", strings.TrimPrefix(address, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	_ = n.SetDeadline(time.Now().Add(30 * time.Second))
	lines := append([]string{
		"GET " + path + " HTTP/1.1",
		"Host: localhost",
		"Connection: Upgrade",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, header...)
	fmt.Fprintf(n, "%s\r\n\r\n", strings.Join(lines, "\r\n"))
	c := &Conn{Conn: n, r: bufio.NewReader(n)}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}

// WriteText writes a text message. Its mask is zero, which leaves the payload as it is.
func (c *Conn) WriteText(text string) error {
	b := []byte{0x81}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	_, err := c.Write(append(b, text...))
	return err
}

// ReadFrame returns the payload of the next frame, of whatever kind. The payload is valid until the next call.
func (c *Conn) ReadFrame() ([]byte, error) {
	var head [10]byte
	if _, err := io.ReadFull(c.r, head[:2]); err != nil {
		return nil, err
	}
	size, extended := uint64(head[1]), 0
	switch size {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if extended > 0 {
		if _, err := io.ReadFull(c.r, head[10-extended:]); err != nil {
			return nil, err
		}
		size = binary.BigEndian.Uint64(head[2:])
	}
	if uint64(cap(c.payload)) < size {
		c.payload = make([]byte, size)
	}
	c.payload = c.payload[:size]
	_, err := io.ReadFull(c.r, c.payload)
	return c.payload, err
}
