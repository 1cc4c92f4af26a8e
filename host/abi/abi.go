// Package abi defines the contract between azuhost and its guests, version 1:
// names, signatures, kinds, error numbers and limits. It has tables and no
// behaviour. sdk/ABI.md describes the same contract, and tests compare the two.
package abi

// Version is the major version of the contract. The name VersionExport contains
// it, so that a host with another version refuses a module before it runs any of
// its code.
const Version = 1

// Names that every module uses.
const (
	// Module is the import module of all host functions.
	Module = "azu"
	// VersionExport is the function azu_v1() -> i64. It returns the inbox:
	// address << 32 | capacity in bytes.
	VersionExport = "azu_v1"
	// MemoryExport is the linear memory, which the host reads and writes.
	MemoryExport = "memory"
	// InitExport is called once after instantiation if the module exports it, as
	// for a WASI reactor.
	InitExport = "_initialize"
	// StartExport marks a WASI command, which runs once and ends. A module with
	// StartExport and without InitExport is refused.
	StartExport = "_start"
)

// Kind is the kind of a message. The values are the opcodes of RFC 6455,
// section 5.2.
type Kind int32

// Kinds of messages.
const (
	Text   Kind = 1
	Binary Kind = 2
)

// Valid reports whether k is a kind of messages.
func (k Kind) Valid() bool { return k == Text || k == Binary }

func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Binary:
		return "binary"
	}
	return "invalid"
}

// Level is the level of a guest's log line.
type Level int32

// Levels of log lines.
const (
	Debug Level = 0
	Info  Level = 1
	Warn  Level = 2
	Error Level = 3
)

// PresenceEvent is the change that on_presence reports.
type PresenceEvent int32

// Changes of presence. A user leaves when the presence grace has passed since
// their last connection ended.
const (
	PresenceLeave PresenceEvent = 0
	PresenceJoin  PresenceEvent = 1
)

// MetricOp is an operation of the host function metric.
type MetricOp int32

// Operations of the host function metric.
const (
	CounterAdd       MetricOp = 0
	GaugeSet         MetricOp = 1
	HistogramObserve MetricOp = 2
)

// Fixed limits of the contract. The limits that an operator can set are in
// package host.
const (
	// MaxName is the length of the longest name of a room, user, parameter, key,
	// timer or metric, in bytes. Names are valid UTF-8 without control characters.
	MaxName = 255
	// MaxCloseReason is the length of the longest reason of a close, in bytes: a
	// control frame has at most 125, and the code takes two (RFC 6455, sections 5.5
	// and 5.5.1).
	MaxCloseReason = 123
)

// Results of on_connect. 0 accepts the connection.
const (
	// MinRefuse to MaxRefuse refuse the handshake with the result as HTTP status.
	MinRefuse, MaxRefuse = 400, 599
	// MinRefuseClose to MaxRefuseClose upgrade, send the messages of the hook to its
	// own connection, and close with the result as close code.
	MinRefuseClose, MaxRefuseClose = 3000, 4999
)
