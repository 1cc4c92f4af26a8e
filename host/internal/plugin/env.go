package plugin

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// Event is one call of a hook.
type Event struct {
	Hook abi.Hook
	// Conn is the connection that the event belongs to, 0 for none.
	Conn uint64
	// Data are the event's bytes. They are valid, and must not change,
	// until Run has returned.
	Data []byte
	// Arg is the hook's last parameter: the kind of a message, the code of a
	// close, the event of on_presence; else 0.
	Arg int32
}

// Env is what a hook may ask of its host while it runs. Errors are abi.Errno
// values. Effects are gathered and take place in Commit; reads see the
// effects gathered so far. Byte slices passed in belong to the caller and may
// change after the call. Methods named Append add to dst and return it.
//
// One Env serves one Event on one goroutine.
type Env interface {
	Send(conn uint64, kind abi.Kind, data []byte) error
	Broadcast(room []byte, kind abi.Kind, data []byte, except uint64) error
	BroadcastAll(kind abi.Kind, data []byte, except uint64) error
	SendUser(user []byte, kind abi.Kind, data []byte) error
	SendUsers(users []byte, kind abi.Kind, data []byte) error
	CloseConn(conn uint64, code int32, reason []byte) error

	Join(conn uint64, room []byte) error
	Leave(conn uint64, room []byte) error
	RoomSize(room []byte) (int, error)
	AppendRoomMembers(dst []byte, room []byte) ([]byte, error)
	AppendRoomUsers(dst []byte, room []byte) ([]byte, error)
	AppendRooms(dst []byte, conn uint64) ([]byte, error)

	Identify(conn uint64, user []byte) error
	AppendUser(dst []byte, conn uint64) ([]byte, error)
	Online(user []byte) (bool, error)
	AppendUsers(dst []byte) ([]byte, error)

	AppendParam(dst []byte, conn uint64, name []byte) ([]byte, error)
	AppendQuery(dst []byte, conn uint64, name []byte) ([]byte, error)
	AppendHeader(dst []byte, conn uint64, name []byte) ([]byte, error)
	AppendRemoteAddr(dst []byte, conn uint64) ([]byte, error)
	AppendSubprotocol(dst []byte, conn uint64) ([]byte, error)
	AppendClaims(dst []byte, conn uint64) ([]byte, error)

	AppendValue(dst []byte, conn uint64, key []byte) ([]byte, error)
	SetValue(conn uint64, key, data []byte) error
	DeleteValue(conn uint64, key []byte) error

	AppendStore(dst []byte, key []byte) ([]byte, error)
	StoreSet(key, data []byte, ttl time.Duration) error
	StoreDelete(key []byte) error
	StoreAdd(key []byte, delta int64, ttl time.Duration) (int64, error)

	TimerSet(conn uint64, name []byte, after time.Duration) error
	TimerClear(conn uint64, name []byte) error

	Log(level abi.Level, text []byte)
	Metric(op abi.MetricOp, name, labels []byte, value float64) error
	Now() time.Time
	// Fail records why the hook fails. Run then returns a *HookError with
	// this text.
	Fail(text []byte)

	// Drop ends an Env that NewEnv made, without effects. Who calls Run ends
	// the Env that it gives.
	Drop()
	// Commit makes the gathered effects happen. Run calls it when the hook
	// returned 0, before the instance serves another event, so that effects
	// happen in the order of the hooks. When the hook failed Run does not
	// call it, and the effects are dropped. On error none of them has happened, and
	// Run returns it.
	Commit() error
}

// Metered is an Env that has hooks pay for what grows with what it looks at.
type Metered interface {
	// SetMeter says who takes payments, before the hook runs.
	SetMeter(m Meter)
}

// Meter takes what a running hook pays, beyond the price of each call of a host
// function. Its methods end the hook, by a panic, when its fuel or its time is over: who
// calls them holds no lock.
type Meter interface {
	// Charge takes fuel, before the work or during it. It looks at the time now and then.
	Charge(fuel int64)
	// CheckTime ends the hook if its time is over.
	CheckTime()
}

// Waiter is an Env whose methods may wait for others: for the right to write to the
// store, for another machine.
type Waiter interface {
	// OnWait has f called before a method waits. It is given nil when the hook has
	// ended: Commit and Drop wait as they like.
	OnWait(f func())
}

// Expirer is an Env that knows of events that have lost their sense while they waited
// for an instance.
type Expirer interface {
	// Expired says that the hook is not to run any more: the event is then as one
	// whose hook the module does not have. It is asked with the instance held.
	Expired() bool
}

// Expired says that the hook of an event is not to run any more. Only timers can come
// too late: all else of a connection comes from its reader, in order.
func Expired(ev *Event, env Env) bool {
	if ev.Hook != abi.OnTimer {
		return false
	}
	l, ok := env.(Expirer)
	return ok && l.Expired()
}
