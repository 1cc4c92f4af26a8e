package socket

import (
	"cmp"
	"log/slog"
	"time"
)

// Options bound one connection. Zero values are the defaults.
type Options struct {
	// MaxMessage is the largest message, in bytes. 0: 64 KiB.
	MaxMessage int
	// MaxQueue is the most bytes that wait to be written. 0: 1 MiB. One message
	// may be larger when half of that, and 32 KiB, are not reached yet.
	MaxQueue int
	// DropOldest drops the oldest whole frames when the queue is full, instead
	// of closing the connection.
	DropOldest bool
	// MessageRate is how many messages a client may send in a second, after
	// MessageBurst at once; with one more it is closed. 0: as many as it likes.
	MessageRate, MessageBurst int
	// Subprotocols that the route speaks, best first.
	Subprotocols []string
}

// Defaults of Options.
const (
	DefaultMaxMessage = 64 << 10
	DefaultMaxQueue   = 1 << 20
)

func (o Options) maxMessage() int { return cmp.Or(o.MaxMessage, DefaultMaxMessage) }
func (o Options) maxQueue() int   { return cmp.Or(o.MaxQueue, DefaultMaxQueue) }

// Timeouts are the same for all connections of a Group. Zero values are the
// defaults.
type Timeouts struct {
	PingInterval time.Duration // 0: 25 s. Negative: no pings.
	Pong         time.Duration // 0: 8 s. For a sign of life after a ping.
	Message      time.Duration // 0: 30 s
	Close        time.Duration // 0: 5 s
}

// WithDefaults returns t with its zero fields set.
func (t Timeouts) WithDefaults() Timeouts {
	t.PingInterval = cmp.Or(t.PingInterval, 25*time.Second)
	t.Pong = cmp.Or(t.Pong, 8*time.Second)
	t.Message = cmp.Or(t.Message, 30*time.Second)
	t.Close = cmp.Or(t.Close, 5*time.Second)
	return t
}

// tick is how often the deadlines are looked at: often enough for the
// shortest of them, and at least once a second.
func (t Timeouts) tick() time.Duration {
	d := min(t.Pong, t.Message, t.Close, 4*time.Second)
	if t.PingInterval > 0 {
		d = min(d, t.PingInterval)
	}
	return max(d/4, 5*time.Millisecond)
}

// DropReason says why frames did not reach a client. It is a metric label.
type DropReason string

// Reasons of drops.
const (
	DropSlowReader DropReason = "slow_reader" // the queue was full and the connection was closed
	DropOldest     DropReason = "drop_oldest" // the queue was full and old frames made room
	DropClosed     DropReason = "closed"      // the connection was closing or gone, or went while they waited
)

// Violation says which rule a client broke, so that it was closed. It is a
// metric label.
type Violation string

// Violations.
const (
	BrokeProtocol  Violation = "protocol"  // RFC 6455
	BrokeSize      Violation = "size"      // a message was too large
	BrokeUTF8      Violation = "utf8"      // text was not UTF-8
	BrokeControls  Violation = "controls"  // too many control frames
	BrokeFragments Violation = "fragments" // too many fragments of one message
	BrokeMessages  Violation = "messages"  // too many messages
)

// GroupOptions configure a Group. The zero value works.
type GroupOptions struct {
	Timeouts Timeouts
	Log      *slog.Logger // nil: discard
}
