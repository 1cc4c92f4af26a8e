package socket

import "cmp"

// Options bound one connection. Zero values are the defaults.
type Options struct {
	// MaxMessage is the size of the largest message of a client, in bytes. 0:
	// DefaultMaxMessage.
	MaxMessage int
	// MaxQueue is the number of bytes that may wait to be written. 0:
	// DefaultMaxQueue. One message may be larger if at most 32 KiB, and at most
	// half of MaxQueue, are queued.
	MaxQueue int
	// DropOldest drops the oldest frames when the queue is full. Without it the
	// connection is closed.
	DropOldest bool
	// MessageRate is how many messages a client may send per second, after
	// MessageBurst at once. A client that sends more is closed. 0: no limit.
	MessageRate, MessageBurst int
}

// Defaults of Options.
const (
	DefaultMaxMessage = 64 << 10
	DefaultMaxQueue   = 1 << 20
)

func (o Options) maxMessage() int { return cmp.Or(o.MaxMessage, DefaultMaxMessage) }
func (o Options) maxQueue() int   { return cmp.Or(o.MaxQueue, DefaultMaxQueue) }
