package host_test

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/azuhost/azuhost/host"
)

// hostileCase is one plugin that does its worst. What is expected of it is
// one of three:
//
//   - refused is set: it does not load;
//   - messages is set, or attack: hooks fail, each with one of reasons;
//   - lives is set, too: nothing fails, and the plugin is no harm.
type hostileCase struct {
	// name is the file in testplugins/hostile, and what is behind a dash makes
	// it another case of the same file.
	name  string
	build func() []byte // makes the module, where there is no file

	refused []string      // texts of the error, with alternatives between bars
	within  time.Duration // a refusal comes in this time. 0: 2 s

	messages []string                        // each is answered with INTERNAL_ERROR
	attack   func(s *stage, until time.Time) // instead of messages
	reasons  string                          // of faults, or "error": see stage.failures
	lives    bool
	silent   bool // it does not answer what is no attack

	instances host.Instances
	metering  host.Metering
	limits    host.Limits
	memory    int64 // guest memory after the case, where it is more than before
}

// What a hook that runs on and on fails by: the deadline, or the fuel if that
// is spent before.
const outOfTime = "deadline fuel"

// An endless start is stopped when the time to start an instance is over, 5 s.
const startBound = 6 * time.Second

var hostileCases = slices.Concat(hostileTime, hostileMemory, hostileHost, hostileFiles)

// hostileTime are plugins that do not come back.
var hostileTime = []hostileCase{
	{name: "loop_message", messages: []string{"!"}, reasons: outOfTime},
	{name: "loop_message-pool", messages: []string{"!"}, reasons: outOfTime, instances: host.Pool, attack: attackTogether},
	{name: "loop_connect", attack: attackConnect, reasons: outOfTime},
	{name: "loop_close", attack: attackClose, reasons: outOfTime},
	{name: "loop_load", refused: []string{"on_load", "deadline|fuel"}, within: startBound},
	{name: "loop_initialize", refused: []string{"_initialize", "deadline|fuel"}, within: startBound},
	{name: "loop_version", refused: []string{"azu_v1", "deadline|fuel"}, within: startBound},
	{name: "loop_start", refused: []string{"instantiation", "deadline|fuel"}, within: startBound},
	{name: "calls", messages: []string{"!"}, reasons: outOfTime},
	{name: "calls_start", refused: []string{"instantiation", "deadline|fuel"}, within: startBound},
	{name: "calls_indirect", messages: []string{"!"}, reasons: outOfTime},
	{name: "tail_calls", build: endlessTailCalls, attack: attackBlind, silent: true, reasons: outOfTime},
	{name: "fill_memory", build: func() []byte {
		return bigModule{pages: 512, code: fills(1_500, fillMemory(512<<16))}.encode()
	}, attack: attackBlind, silent: true, reasons: outOfTime},
	{name: "copy_memory", build: func() []byte {
		return bigModule{pages: 512, code: fills(1_500, copyMemory(256<<16))}.encode()
	}, attack: attackBlind, silent: true, reasons: outOfTime},
	// As much as a memory may have, in one instruction each.
	{name: "fill_large", build: func() []byte {
		return bigModule{pages: 1_024, code: endless(fillMemory(1_024 << 16))}.encode()
	}, attack: attackBlind, silent: true, reasons: outOfTime},
	{name: "copy_large", build: func() []byte {
		return bigModule{pages: 1_024, code: endless(copyMemory(512 << 16))}.encode()
	}, attack: attackBlind, silent: true, reasons: outOfTime},
	{name: "fill_table", build: func() []byte {
		return bigModule{table: 100_000, code: endless(fills(1_500, fillTable(100_000)))}.encode()
	}, attack: attackBlind, silent: true, reasons: outOfTime},
	{name: "recursion", messages: []string{"!a", "!b", "!c", "!d"}, reasons: "stack", limits: host.Limits{Deadline: patient}},
	{name: "sleep", messages: []string{"!a", "!b"}, reasons: outOfTime},
	{name: "random", messages: []string{"!"}, reasons: outOfTime},
	{name: "exit", messages: []string{"!"}, reasons: "exit"},
	{name: "every_other", attack: attackEveryOther, silent: true, reasons: "trap"},
	{name: "trap_close", attack: attackClose, reasons: "trap"},
}

// hostileMemory are plugins that want a lot, or what is not theirs.
var hostileMemory = []hostileCase{
	{name: "memory_grow", messages: []string{"!a", "!b"}, reasons: "trap " + outOfTime},
	{name: "memory_slow", attack: attackMillion, lives: true, silent: true, memory: 64 << 20, limits: host.Limits{MessagesPerSecond: -1}},
	{name: "memory_declared", refused: []string{"65536", "1024", "limits.memory"}},
	{name: "table_declared", refused: []string{"100000000", "100000", "limits.max_table_size"}},
	{name: "tables", refused: []string{"17|100", "16", "limits.max_tables"}},
	{name: "table_grow_unbounded", refused: []string{"table.grow", "declared maximum"}},
	{name: "table_grow_huge", refused: []string{"100000000", "100000", "limits.max_table_size"}},
	{name: "table_grow", messages: []string{"!a", "!b"}, reasons: outOfTime},
	{name: "pointers", messages: []string{
		"!a", "!b", "!c", "!d", "!e", "!f", "!g", "!h", "!i", "!j", "!k", "!l", "!m", "!n", "!o",
	}, reasons: "trap"},
	// Every frame of a trap's stack has the names that the module chose.
	{name: "long_names", build: longNames, attack: attackBlind, silent: true, reasons: "trap"},
	{name: "inbox_outside", refused: []string{"inbox", "outside"}},
}

// hostileHost are plugins that ask the host for too much.
var hostileHost = []hostileCase{
	{name: "reentry", attack: attackStarts, lives: true},
	{name: "presence_flood", attack: attackStarts, lives: true, limits: host.Limits{Deadline: patient, Presences: 5_000}},
	// A hook is told LIMIT and returns it, or has no time left before.
	{name: "flood-sends", messages: []string{"!s"}, reasons: "error limit " + outOfTime},
	{name: "flood-broadcasts", messages: []string{"!b"}, reasons: "error limit " + outOfTime},
	{name: "flood-joins", messages: []string{"!j"}, reasons: "error limit " + outOfTime},
	{name: "flood-users", messages: []string{"!i"}, reasons: "error limit " + outOfTime},
	{name: "flood-values", messages: []string{"!v"}, reasons: "error limit " + outOfTime},
	{name: "flood-keys", messages: []string{"!k"}, reasons: "error limit " + outOfTime},
	{name: "flood-timers", messages: []string{"!t"}, reasons: "error limit " + outOfTime},
	{name: "flood-metrics", messages: []string{"!m"}, reasons: "error limit " + outOfTime},
	// With all the time that it wants, too.
	{name: "flood-patient", messages: []string{"!s", "!b", "!j", "!i", "!v", "!k", "!t", "!m"}, reasons: "error limit " + outOfTime,
		limits: host.Limits{Deadline: 500 * time.Millisecond}},
	// Calls of the host cost fuel: 2,000,000 are spent long before the deadline.
	{name: "host_calls", messages: []string{"!n", "!r", "!p"}, reasons: "fuel", limits: host.Limits{Fuel: 2_000_000, Deadline: patient}},
	{name: "host_calls-time", messages: []string{"!n", "!r", "!p"}, reasons: outOfTime},
	// What a hook asks for, and what it has come to: no look at it takes longer for that.
	{name: "looks", messages: []string{"!o", "!u", "!m", "!r", "!v"}, reasons: outOfTime},
	{name: "looks-deadline", messages: []string{"!o", "!u", "!m", "!r", "!v"}, reasons: outOfTime, metering: host.MeterDeadline},
	{name: "client_flood", build: goodFile, attack: attackFlood, lives: true, silent: true},
	{name: "log_flood", messages: []string{"!a", "!b", "!c"}, reasons: "trap limit " + outOfTime},
}

// hostileFiles are files that are no plugins, or too large to be looked at.
var hostileFiles = []hostileCase{
	{name: "file_huge", refused: []string{"100000000", "16777216", "limits.max_module"}},
	{name: "file_empty", build: func() []byte { return nil }, refused: []string{"empty"}},
	{name: "file_garbage", build: func() []byte { return bytes.Repeat([]byte("no module, "), 1000) }, refused: []string{"WebAssembly"}},
	{name: "file_header", build: func() []byte { return goodFile()[:8] }, refused: []string{"azu_v1|memory"}},
	{name: "file_truncated", build: func() []byte { f := goodFile(); return f[:len(f)*2/3] }, refused: []string{"WebAssembly", "byte|cut|EOF"}},
	{name: "file_trailing", build: func() []byte { return append(goodFile(), "trailing"...) }, refused: []string{"WebAssembly", "section"}},
	{name: "file_component", build: func() []byte { return []byte("\x00asm\x0d\x00\x01\x00") }, refused: []string{"component"}},
	{name: "locals", build: func() []byte {
		return bigModule{locals: slices.Concat([]byte{1}, leb(100_000_000), []byte{0x7e})}.encode()
	}, refused: []string{"locals", "100000000", "50000", "limits.max_locals"}},
	{name: "locals_overflow", build: func() []byte {
		group := slices.Concat(leb(math.MaxUint32), []byte{0x7e})
		return bigModule{locals: slices.Concat([]byte{2}, group, group)}.encode()
	}, refused: []string{"locals|WebAssembly"}},
	{name: "nesting", build: func() []byte { return bigModule{code: nested(30_000)}.encode() }, refused: []string{"1001|30000", "1000", "limits.max_nesting"}},
	{name: "functions", build: func() []byte { return bigModule{extra: 1_000_000}.encode() }, refused: []string{"1000002", "100000", "limits.max_functions"}},
	{name: "body", build: func() []byte { return bigModule{code: fills(500_000, fillMemory(1<<16))}.encode() }, refused: []string{"limits.max_body"}},
	// What takes the compiler time by the square of its size.
	{name: "compile_fills", build: func() []byte { return bigModule{code: fills(8_000, fillMemory(1<<16))}.encode() }, refused: []string{"10000", "limits.max_blocks"}},
	{name: "compile_branches", build: func() []byte { return bigModule{code: branches(32_000)}.encode() }, refused: []string{"10000", "limits.max_blocks"}},
	{name: "compile_loops", build: func() []byte {
		return bigModule{locals: slices.Concat([]byte{1}, leb(1_000), []byte{0x7f}), code: loops(100, 1_000)}.encode()
	}, refused: []string{"limits."}},
	{name: "compile_locals", build: func() []byte {
		return bigModule{locals: slices.Concat([]byte{1}, leb(2_000), []byte{0x7f}), code: living(2_000, 2_000)}.encode()
	}, refused: []string{"400000", "limits.max_local_work"}},
	{name: "import_unknown", refused: []string{"azu.teleport"}},
	{name: "import_module", refused: []string{"kernel.peek"}},
	{name: "import_meter", refused: []string{"azuhost"}},
	{name: "export_meter", refused: []string{"azuhost_fuel"}},
	{name: "export_memory", refused: []string{"memory"}},
	{name: "export_hook", refused: []string{"no hook"}},
	{name: "export_version", refused: []string{"azu_v1"}},
	{name: "abi_version", refused: []string{"azu_v2", "version 1"}},
}
