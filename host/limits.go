package host

import (
	"fmt"
	"reflect"
	"time"

	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/quarantine"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/azuhost/azuhost/internal/fields"
	"github.com/azuhost/azuhost/internal/wasm"
)

// Limits bound what the connections and hooks of a route may use. A zero field
// stands for its default.
type Limits struct {
	// MaxMessage is the largest message of a client, in bytes. 0: 64 KiB.
	MaxMessage int
	// MaxQueue bounds the bytes that wait to be sent to one connection. 0: 1 MiB. A
	// single message may exceed it if at most 32 KiB, and at most half of MaxQueue, wait
	// before it.
	MaxQueue int
	// MaxConnections bounds the open connections of the route. Without it
	// Options.MaxConnections is the only bound.
	MaxConnections int
	// MessagesPerSecond bounds the messages that one connection sends in a second,
	// after MessageBurst at once. A connection that sends more is closed with 1008.
	// 0: 10,000. Negative: no bound. A reload changes it for new connections only.
	MessagesPerSecond int
	// MessageBurst bounds the messages that one connection sends at once. Without
	// it the bound is twice MessagesPerSecond.
	MessageBurst int
	// MaxRoomsPerConnection bounds the rooms that one connection is a member of.
	// 0: 100.
	MaxRoomsPerConnection int

	// Deadline bounds the time of one hook. 0: 50 ms.
	Deadline time.Duration
	// Fuel bounds the instructions of one hook, with MeterFuel. An instruction costs
	// about 1. The sum is exact and repeatable. 0: 1,000,000,000.
	Fuel int64
	// Memory bounds the memory of one instance, in bytes. 0: 64 MiB.
	Memory int64
	// MaxModule is the largest plugin file, in bytes. 0: 16 MiB.
	MaxModule int64

	// Module bounds what the file of a plugin may declare.
	Module ModuleLimits

	// HookEffects bounds the effects of one hook: messages, joins, timers and so on.
	// 0: 10,000.
	HookEffects int
	// HookBytes bounds the bytes that one hook sends and stores. 0: 4 MiB.
	HookBytes int
	// ValueBytes bounds the values that are stored with one connection: keys,
	// values, and 64 bytes for each. 0: 64 KiB.
	ValueBytes int
	// StoreBytes bounds the store of the route: keys, values, and 64 bytes for each.
	// 0: 64 MiB. It does not bound StoreShared.
	StoreBytes int
	// HistoryBytes bounds the histories of all rooms of the route: messages, and 64
	// bytes for each message and each room. 0: 64 MiB. A reload cannot change it.
	HistoryBytes int
	// Presences bounds the present users, counted once for the route and once for
	// each of their rooms, those within the presence grace included. 0: 1,000,000.
	Presences int
	// Timers bounds the timers of the route and its connections. 0: 10,000.
	Timers int
	// MetricSeries bounds the series of the metrics that the plugin makes. 0: 100.
	MetricSeries int

	// Faults is the number of faults of hooks within FaultWindow that a route
	// tolerates, at most 10,000. 0: 10. One fault more quarantines the route: new
	// connections are refused with 503 for 1 s, and for twice the time before at each
	// further quarantine, up to 1 min.
	Faults int
	// FaultWindow is the time in which faults are counted, and the time of the
	// probation after a quarantine. 0: 10 s.
	FaultWindow time.Duration
}

// ModuleLimits bound what the file of a plugin may declare. They are checked before
// the file is compiled, as the cost of compiling grows with what is declared. They
// follow the WebAssembly JavaScript API ("Implementation-defined Limits"), and are
// lower where wazero's compiler needs more. A zero field stands for its default.
type ModuleLimits struct {
	// Types bounds the function types. 0: 10,000.
	Types int
	// Params bounds the parameters of one function type. 0: 1,000.
	Params int
	// Results bounds the results of one function type. 0: 1,000.
	Results int
	// Imports bounds the imports. 0: 1,000.
	Imports int
	// Exports bounds the exports. 0: 10,000.
	Exports int
	// Globals bounds the globals that are not imported. 0: 10,000.
	Globals int
	// Functions bounds the functions that are not imported. 0: 100,000.
	Functions int
	// Body bounds the code of one function, in bytes. 0: 1 MiB.
	Body int
	// Locals bounds the local variables of one function. 0: 50,000.
	Locals int
	// TotalLocals bounds the local variables of all functions together. 0: 2,000,000.
	TotalLocals int
	// Nesting bounds the depth of blocks in one function. 0: 1,000.
	Nesting int
	// Blocks bounds the basic blocks of one function. The time to compile them grows
	// with their square. 0: 10,000.
	Blocks int
	// LoopWork bounds the sum, over the loops of one function, of its local variables
	// times the enclosing loops. 0: 100,000.
	LoopWork int
	// LocalWork bounds the product of the blocks of one function and its local
	// variables that live across blocks. 0: 400,000.
	LocalWork int
	// Work bounds the sum of the squares of the blocks of all functions, plus the cost
	// of their local variables in the same unit. 0: 400,000,000.
	Work int
	// Branches bounds the labels of one br_table. 0: 65,520.
	Branches int
	// Operands bounds the values that calls, blocks and branches of one function pass. 0: 1,000,000.
	Operands int
	// Tables bounds the tables. 0: 16.
	Tables int
	// TableSize bounds the elements that a table has or may grow to. 0: 100,000.
	TableSize int
	// Data bounds the data segments. 0: 100,000.
	Data int
	// Elements bounds the element segments. 0: 10,000.
	Elements int
	// ElementValues bounds the values of all element segments together. 0: 200,000.
	ElementValues int
	// Customs bounds the custom sections. 0: 1,000.
	Customs int
	// CustomBytes bounds all custom sections together, in bytes. 0: 16 MiB.
	CustomBytes int
	// Name bounds the name of an import, an export or a custom section, in bytes. 0: 4 KiB.
	Name int
}

// DefaultLimits returns the limits that hold where a field of Limits is zero.
func DefaultLimits() Limits {
	l := Limits{
		MaxMessage:            socket.DefaultMaxMessage,
		MaxQueue:              socket.DefaultMaxQueue,
		MessagesPerSecond:     10_000,
		MaxRoomsPerConnection: 100,

		Deadline:  plugin.DefaultDeadline,
		Fuel:      plugin.DefaultFuel,
		Memory:    plugin.DefaultMemoryLimit,
		MaxModule: plugin.DefaultMaxModule,

		HookEffects:  10_000,
		HookBytes:    4 << 20,
		ValueBytes:   64 << 10,
		StoreBytes:   64 << 20,
		HistoryBytes: hub.HistoryOptions{}.WithDefaults().MaxBytes,
		Presences:    1_000_000,
		Timers:       10_000,
		MetricSeries: 100,

		Faults:      10,
		FaultWindow: 10 * time.Second,
	}
	fields.Copy(&l.Module, wasm.DefaultLimits())
	return l
}

// withDefaults returns l with its zero fields set.
func (l Limits) withDefaults() Limits {
	fields.Fill(&l, DefaultLimits())
	if l.MessageBurst == 0 {
		l.MessageBurst = min(2*max(l.MessagesPerSecond, 0), maxMessageRate)
	}
	return l
}

// maxMessageRate bounds MessagesPerSecond and MessageBurst, as time.Duration does.
const maxMessageRate = 1_000_000_000

// validate returns an error for limits that make no sense.
func (l Limits) validate() error {
	unlimited := l // MessagesPerSecond may be negative
	unlimited.MessagesPerSecond = 0
	if err := checkNotNegative("limit ", reflect.ValueOf(unlimited)); err != nil {
		return err
	}
	if l.MessagesPerSecond > maxMessageRate || l.MessageBurst > maxMessageRate {
		return fmt.Errorf(
			"limits MessagesPerSecond and MessageBurst are %d and %d: want at most %d",
			l.MessagesPerSecond,
			l.MessageBurst,
			maxMessageRate,
		)
	}
	if l.Faults > quarantine.MaxFaults {
		return fmt.Errorf("limit Faults is %d: want at most %d", l.Faults, quarantine.MaxFaults)
	}
	return nil
}

// checkNotNegative returns an error for the first negative number in a struct.
func checkNotNegative(prefix string, v reflect.Value) error {
	for i := range v.NumField() {
		f, name := v.Field(i), prefix+v.Type().Field(i).Name
		if f.Kind() == reflect.Struct {
			if err := checkNotNegative(name+".", f); err != nil {
				return err
			}
		} else if f.Int() < 0 {
			return fmt.Errorf("%s is %d: want 0 for the default, or more", name, f.Int())
		}
	}
	return nil
}
