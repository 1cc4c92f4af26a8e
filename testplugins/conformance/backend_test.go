package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// backend runs one guest at /c/:id: the host, or the fake host of an SDK.
type backend interface {
	// connect connects a client. It returns a *refusedError if the guest refuses the handshake.
	connect(r request) (connection, error)
	// publish publishes a message from outside. It returns a *refusedError if the guest refuses the message.
	publish(p publication) error
	// wait returns when d has passed on the clock of the backend.
	wait(d time.Duration)
	// now returns the time that hooks get.
	now() time.Time
	// logLines returns the lines that hooks have logged, and the texts of hooks that have failed.
	logLines() []logLine
	// awaitFailure returns when a hook of this name has failed, and an error if none fails.
	awaitFailure(hook string) error
	// metric returns a counter, a gauge or the sum of a histogram. labels are sorted by name. It returns false if
	// there is no such series.
	metric(name string, labels ...label) (float64, bool)
}

// connection is a connection of a backend, from the client's side.
type connection interface {
	send(kind abi.Kind, data string) error
	// receive returns the next message, and waits for one for patience at most. After the last message before a
	// close frame it returns a *closedError.
	receive() (message, error)
	// close closes the connection with a close frame.
	close(code int, reason string) error
	// abort closes the connection without a close frame.
	abort() error
	// ping sends a ping with a decimal number. Calls of receive read the pong, and wait returns when it was read.
	ping() (wait func() error)
	// pong makes the client send a pong. It may arrive at the guest after a later message.
	pong() error
}

// request is the handshake of a client.
type request struct {
	path        string // below /c/, with a query such as "x?do=join|r"; the script comes last and is not escaped
	header      map[string]string
	subprotocol string
	claims      string // of the token; empty: the client sends none
}

// publication is a message from outside: for a room, for a user, or for all.
type publication struct {
	room, user string
	kind       abi.Kind
	data       string
}

type message struct {
	kind abi.Kind
	data string
}

type logLine struct {
	level string // "DEBUG", "INFO", "WARN", "ERROR"; empty for the text of a failed hook
	text  string
}

type label struct{ name, value string }

// refusedError is the error of a handshake or a publication that was refused with an HTTP status.
type refusedError struct{ status int }

func (e *refusedError) Error() string { return fmt.Sprintf("refused with status %d", e.status) }

// closedError is the error of receive after a close frame.
type closedError struct {
	code   int
	reason string
}

func (e *closedError) Error() string {
	return fmt.Sprintf("closed with code %d, reason %q", e.code, e.reason)
}

// setup is the route of a guest. The zero value has the config of defaultScript.
type setup struct {
	script    string // of on_load; empty: defaultScript
	noConfig  bool
	tokens    bool // the route accepts tokens, and connections without one
	hostPings bool // the host pings its clients, so that they send pongs
}

// defaultScript is the script of on_load. It counts the times that on_load has run.
const defaultScript = "store_add|loads|1|0"

func (s setup) onLoad() string {
	if s.script == "" {
		return defaultScript
	}
	return s.script
}

// opener starts a backend and closes it at the end of the test. It returns an error if on_load fails.
type opener func(t *testing.T, s setup) (backend, error)

// patience is how long a test waits for an event that must occur.
const patience = 20 * time.Second
