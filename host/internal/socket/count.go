package socket

import (
	"slices"
	"sync/atomic"
)

// DropReason says why frames did not reach a client. It is a metric label.
type DropReason string

// Reasons for drops.
const (
	DropSlowReader DropReason = "slow_reader" // the queue was full and the connection was closed
	DropOldest     DropReason = "drop_oldest" // the queue was full and old frames made space
	DropClosed     DropReason = "closed"      // the connection was closing or gone, or ended while they were queued
)

var dropReasons = [...]DropReason{DropSlowReader, DropOldest, DropClosed}

// Violation says which rule a client has broken. It is a metric label.
type Violation string

// Rules that a client can break. The connection is then closed.
const (
	BrokeProtocol  Violation = "protocol"  // RFC 6455
	BrokeSize      Violation = "size"      // a message was too large
	BrokeUTF8      Violation = "utf8"      // text was not UTF-8
	BrokeControls  Violation = "controls"  // too many control frames
	BrokeFragments Violation = "fragments" // too many fragments of one message
	BrokeMessages  Violation = "messages"  // too many messages
)

var violations = [...]Violation{BrokeProtocol, BrokeSize, BrokeUTF8, BrokeControls, BrokeFragments, BrokeMessages}

// counters are the counters of a group.
type counters struct {
	drops      [len(dropReasons)]atomic.Uint64 // in the order of dropReasons
	violations [len(violations)]atomic.Uint64  // in the order of violations
}

func (g *Group) countDrops(r DropReason, frames int) {
	g.counters.drops[slices.Index(dropReasons[:], r)].Add(uint64(frames))
}

// Drops returns the number of data frames that did not reach a client, by reason.
func (g *Group) Drops() map[DropReason]uint64 {
	m := make(map[DropReason]uint64, len(dropReasons))
	for i, r := range dropReasons {
		m[r] = g.counters.drops[i].Load()
	}
	return m
}

func (g *Group) countViolation(v Violation) {
	g.counters.violations[slices.Index(violations[:], v)].Add(1)
}

// Violations returns the number of connections closed because the client broke a
// rule, by rule.
func (g *Group) Violations() map[Violation]uint64 {
	m := make(map[Violation]uint64, len(violations))
	for i, v := range violations {
		m[v] = g.counters.violations[i].Load()
	}
	return m
}
