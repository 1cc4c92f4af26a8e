package host_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// rawConn is a client that costs little, for tests with many messages. It
// knows text messages only.
type rawConn struct {
	net.Conn
	r   *bufio.Reader
	buf []byte
}

const handshake = "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func rawDial(t testing.TB, address, path string) *rawConn {
	t.Helper()
	return rawDialWith(t, address, path, "")
}

// rawDialWith is rawDial with more lines of the header.
func rawDialWith(t testing.TB, address, path, lines string) *rawConn {
	t.Helper()
	n, err := net.Dial("tcp", strings.TrimPrefix(address, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	_ = n.SetDeadline(time.Now().Add(30 * time.Second))
	c := &rawConn{Conn: n, r: bufio.NewReader(n)}
	fmt.Fprintf(n, strings.TrimSuffix(handshake, "\r\n")+"%s\r\n", path, lines)
	res, err := http.ReadResponse(c.r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	return c
}

// send writes a masked frame; the mask is 0, which changes nothing.
func (c *rawConn) send(text string) error {
	b := frame.AppendHeader(nil, 1, len(text))
	b[1] |= 0x80
	b = append(b, 0, 0, 0, 0)
	_, err := c.Write(append(b, text...))
	return err
}

// read gives the payload of the next frame, valid until the next call.
func (c *rawConn) read() ([]byte, error) {
	head, err := c.r.Peek(2)
	if err != nil {
		return nil, err
	}
	n := 2
	switch head[1] {
	case 126:
		n = 4
	case 127:
		n = 10
	}
	if head, err = c.r.Peek(n); err != nil {
		return nil, err
	}
	size := frame.Len(head) - n
	_, _ = c.r.Discard(n)
	if cap(c.buf) < size {
		c.buf = make([]byte, size)
	}
	c.buf = c.buf[:size]
	_, err = io.ReadFull(c.r, c.buf)
	return c.buf, err
}
