// Package abi is the one source of truth of the contract between azuhost and
// its guests, version 1: names, signatures, kinds, error numbers and limits.
// It holds tables and no behaviour; sdk/ABI.md is the same contract in prose,
// and a test holds the two against each other.
package abi

// Version is the major version of the contract. It is part of the name of the
// export VersionExport, so that a host that speaks another version refuses the
// module before it runs any of it.
const Version = 1

// Names that every module has to know.
const (
	// Module is the import module of all host functions.
	Module = "azu"
	// VersionExport is the export that names the version and gives the inbox:
	// azu_v1() -> i64, the address << 32 | the capacity in bytes.
	VersionExport = "azu_v1"
	// MemoryExport is the linear memory that the host reads and writes.
	MemoryExport = "memory"
	// InitExport is run once after instantiation, where it is exported
	// (the reactor convention of WASI).
	InitExport = "_initialize"
	// StartExport marks a WASI command. A command runs once and ends, so a
	// module that has it and not InitExport is refused.
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

// Valid says whether k is a kind that a message can have.
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

// Level is the level of a log line of a guest.
type Level int32

// Levels of log lines.
const (
	Debug Level = 0
	Info  Level = 1
	Warn  Level = 2
	Error Level = 3
)

// PresenceEvent says what happened to a user in on_presence.
type PresenceEvent int32

// What on_presence reports. A user leaves when the leave grace has passed
// since its last connection went.
const (
	PresenceLeave PresenceEvent = 0
	PresenceJoin  PresenceEvent = 1
)

// MetricOp is what the host function metric does.
type MetricOp int32

// Operations of the host function metric.
const (
	CounterAdd       MetricOp = 0
	GaugeSet         MetricOp = 1
	HistogramObserve MetricOp = 2
)

// Fixed limits of the contract. Limits that an operator can set are options
// of the host.
const (
	// MaxName is the longest name of a room, user, parameter, key, timer or
	// metric, in bytes. Names are valid UTF-8 without control characters.
	MaxName = 255
	// MaxCloseReason is the longest reason of a close, in bytes: a control
	// frame holds 125, two are the code (RFC 6455, section 5.5.1).
	MaxCloseReason = 123
)

// Answers of on_connect. 0 accepts the connection.
const (
	// MinRefuse to MaxRefuse refuse the handshake with that HTTP status.
	MinRefuse, MaxRefuse = 400, 599
	// MinRefuseClose to MaxRefuseClose upgrade, send what the hook sent to
	// its own connection, and close with that code.
	MinRefuseClose, MaxRefuseClose = 3000, 4999
)
