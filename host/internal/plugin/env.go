package plugin

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// Event is one call of a hook.
type Event struct {
	Hook abi.Hook
	// Conn is the connection of the event, 0 if there is none.
	Conn uint64
	// Data has the bytes of the event. They are valid, and must not change, until Run returns.
	Data []byte
	// Arg is the last parameter of the hook: the kind of a message, the code of a close, the event of on_presence. It
	// is 0 for other hooks.
	Arg int32
}

// Env is the host of a running hook. One Env serves one Event on one goroutine.
//
// Errors are abi.Errno values. Effects are collected, and take place in Commit; reads see the effects collected so far.
// Byte slices that are passed in belong to the caller and may change after the call. Methods named Append append to
// dst and return the result.
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
	// Fail records why the hook fails. Run then returns a *HookError with this text.
	Fail(text []byte)

	// Drop ends an Env of Options.NewEnv without effects. The caller of Run ends the Env that it passes.
	Drop()
	// Commit makes the collected effects take place. Run calls it when the hook has returned 0, before the instance
	// serves another event, so that effects take place in the order of the hooks. If the hook fails, Run does not
	// call Commit, and there are no effects. If Commit returns an error, there are no effects, and Run returns it.
	Commit() error
}

// Metered is an optional interface of an Env. A metered Env charges the hook for work that grows with the amount of
// data it reads.
type Metered interface {
	// SetMeter passes the meter of the hook. It is called before the hook runs.
	SetMeter(m Meter)
}

// Meter charges a running hook, in addition to the fuel for each call of a host function. If the hook's fuel or time
// is over, the methods end the hook by a panic: the caller must not hold a lock.
type Meter interface {
	// Charge takes fuel from the hook, before the work or during it. It also checks the time, but not in each call.
	Charge(fuel int64)
	// CheckTime checks the time of the hook.
	CheckTime()
}

// Waiter is an optional interface of an Env whose methods may wait, for example for the write lock of the store or for
// another node.
type Waiter interface {
	// OnWait sets a function that methods call before they wait. It is called with nil after the hook: Commit and Drop
	// wait without a notice.
	OnWait(f func())
}

// Expirer is an optional interface of an Env whose event can become void while it waits for an instance.
type Expirer interface {
	// Expired returns whether the event is void. It is called while the instance is held.
	Expired() bool
}

// Expired returns whether the hook of an event must not run any more; Run then behaves as if the module did not have
// the hook. Only timers expire: all other events of a connection come from its reader, in order.
func Expired(ev *Event, env Env) bool {
	if ev.Hook != abi.OnTimer {
		return false
	}
	e, ok := env.(Expirer)
	return ok && e.Expired()
}
