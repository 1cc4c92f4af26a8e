package conformance

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// rustBackend is the fake host of the Rust SDK with the guest in Rust, compiled natively. It runs in a process of
// rust/fake_host.rs, which describes the protocol.
type rustBackend struct {
	t      *testing.T
	stdin  io.Writer
	stdout *bufio.Reader

	logged   []logLine
	failures []string // of hooks
}

// rustFakeHost builds the program, once for all backends of a test, and returns an opener of backends.
func rustFakeHost(t *testing.T) opener {
	program := filepath.Join(t.TempDir(), "fake_host")
	build(t, "rust/build-native", program)
	return func(t *testing.T, s setup) (backend, error) {
		b := startRust(t, program)
		config := s.configJSON()
		if config == "" {
			config = "{}"
		}
		_, err := b.command("load", encode(route), encode(config))
		return b, err
	}
}

func startRust(t *testing.T, program string) *rustBackend {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // ends the program
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("standard error of the fake host:\n%s", &stderr)
		}
	})
	return &rustBackend{t: t, stdin: stdin, stdout: bufio.NewReader(stdout)}
}

// encode returns a word with data.
func encode(data string) string { return "." + hex.EncodeToString([]byte(data)) }

// decode returns the data of a word.
func (b *rustBackend) decode(word string) string {
	data, err := hex.DecodeString(strings.TrimPrefix(word, "."))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

// command runs a command and returns the words of its answer. The error is a *refusedError, or that of a hook that
// failed.
func (b *rustBackend) command(words ...string) ([]string, error) {
	if _, err := fmt.Fprintln(b.stdin, strings.Join(words, " ")); err != nil {
		b.t.Fatal(err)
	}
	line, err := b.stdout.ReadString('\n')
	if err != nil {
		b.t.Fatalf("%s: %v", shorten(strings.Join(words, " ")), err)
	}
	answer := strings.Fields(line)
	switch answer[0] {
	case "ok":
		return answer[1:], nil
	case "refused":
		code, err := strconv.Atoi(answer[1])
		if err != nil {
			b.t.Fatal(err)
		}
		return nil, &refusedError{code}
	}
	text := b.decode(answer[1])
	b.failures = append(b.failures, text)
	return nil, errors.New(text)
}

func (b *rustBackend) connect(r request) (connection, error) {
	words := []string{"connect", encode(r.target())}
	for name, value := range r.header {
		words = append(words, encode(name), encode(strings.TrimSpace(value))) // as an HTTP client does
	}
	if r.subprotocol != "" {
		words = append(words, encode("Sec-WebSocket-Protocol"), encode(r.subprotocol))
	}
	answer, err := b.command(words...)
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return nil, err
	}
	if err != nil {
		return nil, &refusedError{500} // as a host does
	}
	return &rustConn{b: b, id: answer[0]}, nil
}

func (b *rustBackend) publish(p publication) error {
	target, name := "all", ""
	switch {
	case p.room != "":
		target, name = "room", p.room
	case p.user != "":
		target, name = "user", p.user
	}
	_, err := b.command("publish", target, encode(name), strconv.Itoa(int(p.kind)), encode(p.data))
	return err
}

func (b *rustBackend) wait(d time.Duration) {
	_, _ = b.command("advance", strconv.FormatInt(d.Milliseconds(), 10)) // command records the error
}

func (b *rustBackend) now() time.Time {
	answer, err := b.command("now")
	if err != nil {
		b.t.Fatal(err)
	}
	ns, err := strconv.ParseInt(answer[0], 10, 64)
	if err != nil {
		b.t.Fatal(err)
	}
	return time.Unix(0, ns)
}

func (b *rustBackend) logLines() []logLine {
	words, err := b.command("log")
	if err != nil {
		b.t.Fatal(err)
	}
	for pair := range slices.Chunk(words, 2) {
		b.logged = append(b.logged, logLine{pair[0], b.decode(pair[1])})
	}
	lines := slices.Clone(b.logged)
	for _, text := range b.failures {
		lines = append(lines, logLine{text: text})
	}
	return lines
}

// awaitFailure does not know the hook: the fake host returns the error of a hook only.
func (b *rustBackend) awaitFailure(string) error {
	if len(b.failures) == 0 {
		return errors.New("no hook has failed")
	}
	return nil
}

func (b *rustBackend) metric(string, ...label) (float64, bool) { return 0, false }

// rustConn is a connection of the fake host.
type rustConn struct {
	b     *rustBackend
	id    string
	queue []message // received by the client, and not returned by receive
}

// send queues INTERNAL_ERROR if the hook fails, as a host does. The fake host returns the error to the test.
func (c *rustConn) send(kind abi.Kind, data string) error {
	_, err := c.b.command("message", c.id, strconv.Itoa(int(kind)), encode(data))
	if err != nil {
		if err := c.takeMessages(); err != nil {
			return err
		}
		c.queue = append(c.queue, message{abi.Text, internalError})
	}
	return nil
}

// takeMessages moves the messages of the client to the queue.
func (c *rustConn) takeMessages() error {
	words, err := c.b.command("receive", c.id)
	for pair := range slices.Chunk(words, 2) {
		kind := abi.Binary
		if pair[0] == "1" {
			kind = abi.Text
		}
		c.queue = append(c.queue, message{kind, c.b.decode(pair[1])})
	}
	return err
}

// receive lets time pass on the clock of the fake host while there is no message.
func (c *rustConn) receive() (message, error) {
	for end := c.b.now().Add(patience); ; c.b.wait(time.Millisecond) {
		if err := c.takeMessages(); err != nil {
			return message{}, err
		}
		if len(c.queue) > 0 {
			m := c.queue[0]
			c.queue = slices.Delete(c.queue, 0, 1)
			return m, nil
		}
		closed, err := c.b.command("closed", c.id)
		if err != nil {
			return message{}, err
		}
		if len(closed) > 0 {
			code, err := strconv.Atoi(closed[0])
			return message{}, errors.Join(err, &closedError{code, c.b.decode(closed[1])})
		}
		if c.b.now().After(end) {
			return message{}, errors.New("no message arrived")
		}
	}
}

// close ignores an error of on_close, as a client does.
func (c *rustConn) close(code int, reason string) error {
	_, _ = c.b.command("close", c.id, strconv.Itoa(code), encode(reason))
	return nil
}

func (c *rustConn) abort() error { return c.close(1006, "") }

func (c *rustConn) ping() (wait func() error) {
	_, err := c.b.command("ping", c.id, encode("1"))
	return func() error { return err }
}

func (c *rustConn) pong() error {
	_, err := c.b.command("pong", c.id, encode(""))
	return err
}
