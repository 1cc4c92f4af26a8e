package hostile

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

// testCase is an attack by one plugin. It has one of three outcomes:
//
//   - refused is set: the plugin does not load;
//   - harmless is set: nothing fails;
//   - otherwise each attack fails a hook, with one of reasons.
type testCase struct {
	// name is the name of the .wasm file in this directory. A suffix after a dash distinguishes cases of one file.
	name string
	// build or write make the module if there is no such file.
	build func() []byte
	write func(t testing.TB, file string)

	refused []string      // texts of the error, with alternatives between bars
	within  time.Duration // the time for a refusal. 0: 2 s

	messages []string                          // each is answered with INTERNAL_ERROR
	attack   func(b *testbed, until time.Time) // instead of messages
	reasons  string                            // separated by spaces: see testbed.failures
	harmless bool
	mute     bool // the plugin does not answer messages

	instances   host.Instances
	metering    host.Metering
	limits      host.Limits
	guestMemory int64 // bytes that the guest may keep after the case. 0: what it had before
}

// outOfTime are the reasons of a hook that runs without end. It exceeds the deadline, or its fuel if that ends first.
const outOfTime = "deadline fuel"

// startTimeout bounds the refusal of a plugin whose start does not end. The host stops a start after 5 s.
const startTimeout = 6 * time.Second

var cases = slices.Concat(timeCases, memoryCases, hostCases, fileCases)

// timeCases are plugins that run without end, or stop.
var timeCases = []testCase{
	{name: "loop_message", messages: []string{"!"}, reasons: outOfTime},
	{
		name: "loop_message-pool", messages: []string{"!"}, reasons: outOfTime, instances: host.Pool,
		attack: attackTogether,
	},
	{name: "loop_connect", attack: attackConnect, reasons: outOfTime},
	{name: "loop_close", attack: attackClose, reasons: outOfTime},
	{name: "loop_load", refused: []string{"on_load", "deadline|fuel"}, within: startTimeout},
	{name: "loop_initialize", refused: []string{"_initialize", "deadline|fuel"}, within: startTimeout},
	{name: "loop_version", refused: []string{"azu_v1", "deadline|fuel"}, within: startTimeout},
	{name: "loop_start", refused: []string{"instantiation", "deadline|fuel"}, within: startTimeout},
	{name: "calls", messages: []string{"!"}, reasons: outOfTime},
	{name: "calls_start", refused: []string{"instantiation", "deadline|fuel"}, within: startTimeout},
	{name: "calls_indirect", messages: []string{"!"}, reasons: outOfTime},
	{
		name: "tail_calls", build: func() []byte { return module{code: tailCall()}.encode() },
		attack: attackMute, mute: true, reasons: outOfTime,
	},
	{name: "fill_memory", build: func() []byte {
		return module{pages: 512, code: repeat(1_500, fillMemory(512<<16))}.encode()
	}, attack: attackMute, mute: true, reasons: outOfTime},
	{name: "copy_memory", build: func() []byte {
		return module{pages: 512, code: repeat(1_500, copyMemory(256<<16))}.encode()
	}, attack: attackMute, mute: true, reasons: outOfTime},
	// Each instruction works on as much memory as a plugin may have.
	{name: "fill_large", build: func() []byte {
		return module{pages: 1_024, code: endless(fillMemory(1_024 << 16))}.encode()
	}, attack: attackMute, mute: true, reasons: outOfTime},
	{name: "copy_large", build: func() []byte {
		return module{pages: 1_024, code: endless(copyMemory(512 << 16))}.encode()
	}, attack: attackMute, mute: true, reasons: outOfTime},
	{name: "fill_table", build: func() []byte {
		return module{table: 100_000, code: endless(repeat(1_500, fillTable(100_000)))}.encode()
	}, attack: attackMute, mute: true, reasons: outOfTime},
	{
		name: "recursion", messages: []string{"!a", "!b", "!c", "!d"}, reasons: "stack",
		limits: host.Limits{Deadline: longDeadline},
	},
	{name: "sleep", messages: []string{"!a", "!b"}, reasons: outOfTime},
	{name: "random", messages: []string{"!"}, reasons: outOfTime},
	{name: "exit", messages: []string{"!"}, reasons: "exit"},
	{name: "every_other", attack: attackEveryOther, mute: true, reasons: "trap"},
	{name: "trap_close", attack: attackClose, reasons: "trap"},
}

// memoryCases are plugins that use too much memory, or memory that they do not have.
var memoryCases = []testCase{
	{name: "memory_grow", messages: []string{"!a", "!b"}, reasons: "trap " + outOfTime},
	{
		name: "memory_slow", attack: attackMillion, harmless: true, mute: true, guestMemory: 64 << 20,
		limits: host.Limits{MessagesPerSecond: -1},
	},
	{name: "memory_declared", refused: []string{"65536", "1024", "limits.memory"}},
	{name: "table_declared", refused: []string{"100000000", "100000", "limits.max_table_size"}},
	{name: "tables", refused: []string{"17|100", "16", "limits.max_tables"}},
	{name: "table_grow_unbounded", refused: []string{"table.grow", "declared maximum"}},
	{name: "table_grow_huge", refused: []string{"100000000", "100000", "limits.max_table_size"}},
	{name: "table_grow", messages: []string{"!a", "!b"}, reasons: outOfTime},
	{name: "pointers", messages: []string{
		"!a", "!b", "!c", "!d", "!e", "!f", "!g", "!h", "!i", "!j", "!k", "!l", "!m", "!n", "!o",
	}, reasons: "trap"},
	// The stack trace of a trap has names that the module chooses.
	{name: "long_names", build: longNames, attack: attackMute, mute: true, reasons: "trap"},
	{name: "inbox_outside", refused: []string{"inbox", "outside"}},
}

// hostCases are plugins that make the host do too much, and clients that do.
var hostCases = []testCase{
	{name: "reentry", attack: attackInBackground, harmless: true},
	{
		name: "presence_flood", attack: attackInBackground, harmless: true,
		limits: host.Limits{Deadline: longDeadline, Presences: 5_000},
	},
	// A hook gets LIMIT and returns it, or its time is over before.
	{name: "flood-sends", messages: []string{"!s"}, reasons: "error limit " + outOfTime},
	{name: "flood-broadcasts", messages: []string{"!b"}, reasons: "error limit " + outOfTime},
	{name: "flood-joins", messages: []string{"!j"}, reasons: "error limit " + outOfTime},
	{name: "flood-users", messages: []string{"!i"}, reasons: "error limit " + outOfTime},
	{name: "flood-values", messages: []string{"!v"}, reasons: "error limit " + outOfTime},
	{name: "flood-keys", messages: []string{"!k"}, reasons: "error limit " + outOfTime},
	{name: "flood-timers", messages: []string{"!t"}, reasons: "error limit " + outOfTime},
	{name: "flood-metrics", messages: []string{"!m"}, reasons: "error limit " + outOfTime},
	// With enough time to reach each limit.
	{
		name: "flood-deadline", messages: []string{"!s", "!b", "!j", "!i", "!v", "!k", "!t", "!m"},
		reasons: "error limit " + outOfTime, limits: host.Limits{Deadline: 500 * time.Millisecond},
	},
	// Calls of host functions cost fuel: 2,000,000 are used up long before the deadline.
	{
		name: "host_calls", messages: []string{"!n", "!r", "!p"}, reasons: "fuel",
		limits: host.Limits{Fuel: 2_000_000, Deadline: longDeadline},
	},
	{name: "host_calls-time", messages: []string{"!n", "!r", "!p"}, reasons: outOfTime},
	// Reads of what a hook has changed itself do not get slower with the number of changes.
	{name: "reads", messages: []string{"!o", "!u", "!m", "!r", "!v"}, reasons: outOfTime},
	{
		name: "reads-deadline", messages: []string{"!o", "!u", "!m", "!r", "!v"}, reasons: outOfTime,
		metering: host.MeterDeadline,
	},
	{name: "client_flood", build: validModule, attack: attackFlood, harmless: true, mute: true},
	{name: "log_flood", messages: []string{"!a", "!b", "!c"}, reasons: "trap limit " + outOfTime},
}

// fileCases are files that are not plugins, or that take too long to load.
var fileCases = []testCase{
	{name: "file_huge", write: writeHugeFile, refused: []string{"100000000", "16777216", "limits.max_module"}},
	{name: "file_empty", build: func() []byte { return nil }, refused: []string{"empty"}},
	{
		name: "file_garbage", build: func() []byte { return bytes.Repeat([]byte("no module, "), 1000) },
		refused: []string{"WebAssembly"},
	},
	{name: "file_header", build: func() []byte { return validModule()[:8] }, refused: []string{"azu_v1|memory"}},
	{
		name: "file_truncated", build: func() []byte { f := validModule(); return f[:len(f)*2/3] },
		refused: []string{"WebAssembly", "byte|cut|EOF"},
	},
	{
		name: "file_trailing", build: func() []byte { return append(validModule(), "trailing"...) },
		refused: []string{"WebAssembly", "section"},
	},
	{
		name: "file_component", build: func() []byte { return []byte("\x00asm\x0d\x00\x01\x00") },
		refused: []string{"component"},
	},
	{name: "locals", build: func() []byte {
		return module{locals: localGroup(100_000_000, typeI64)}.encode()
	}, refused: []string{"locals", "100000000", "50000", "limits.max_locals"}},
	{name: "locals_overflow", build: func() []byte {
		group := slices.Concat(leb(math.MaxUint32), []byte{typeI64})
		return module{locals: slices.Concat([]byte{2}, group, group)}.encode()
	}, refused: []string{"locals|WebAssembly"}},
	{
		name: "nesting", build: func() []byte { return module{code: nestedBlocks(30_000)}.encode() },
		refused: []string{"1001|30000", "1000", "limits.max_nesting"},
	},
	{
		name: "functions", build: func() []byte { return module{extra: 1_000_000}.encode() },
		refused: []string{"1000002", "100000", "limits.max_functions"},
	},
	{
		name: "body", build: func() []byte { return module{code: repeat(500_000, fillMemory(1<<16))}.encode() },
		refused: []string{"limits.max_body"},
	},
	// Code for which the compiler needs time in the square of its size.
	{
		name:    "compile_fills",
		build:   func() []byte { return module{code: repeat(8_000, fillMemory(1<<16))}.encode() },
		refused: []string{"10000", "limits.max_blocks"},
	},
	{
		name: "compile_branches", build: func() []byte { return module{code: branches(32_000)}.encode() },
		refused: []string{"10000", "limits.max_blocks"},
	},
	{name: "compile_loops", build: func() []byte {
		return module{locals: localGroup(1_000, typeI32), code: nestedLoops(100, 1_000)}.encode()
	}, refused: []string{"limits."}},
	{name: "compile_locals", build: func() []byte {
		return module{locals: localGroup(2_000, typeI32), code: liveLocals(2_000, 2_000)}.encode()
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
