package plugin

import (
	"fmt"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// fakeEnv records the calls of a hook. Append methods return the name of the method, so that a test sees which method a
// host function called.
type fakeEnv struct {
	calls     []string
	committed int
	dropped   int
	err       error  // result of every method
	answer    string // result of the Append methods; empty: the method's name
	size      int    // result of RoomSize
	panics    bool   // Now panics
}

func (e *fakeEnv) record(format string, args ...any) error {
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
	return e.err
}

func (e *fakeEnv) recordAppend(dst []byte, name, format string, args ...any) ([]byte, error) {
	if err := e.record(name+format, args...); err != nil {
		return dst, err
	}
	if e.answer != "" {
		name = e.answer
	}
	return append(dst, name...), nil
}

// log returns the calls, separated by semicolons.
func (e *fakeEnv) log() string { return strings.Join(e.calls, "; ") }

func (e *fakeEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	return e.record("Send %d %s %q", conn, kind, data)
}
func (e *fakeEnv) Broadcast(room []byte, kind abi.Kind, data []byte, except uint64) error {
	return e.record("Broadcast %q %s %q %d", room, kind, data, except)
}
func (e *fakeEnv) BroadcastAll(kind abi.Kind, data []byte, except uint64) error {
	return e.record("BroadcastAll %s %q %d", kind, data, except)
}
func (e *fakeEnv) SendUser(user []byte, kind abi.Kind, data []byte) error {
	return e.record("SendUser %q %s %q", user, kind, data)
}
func (e *fakeEnv) SendUsers(users []byte, kind abi.Kind, data []byte) error {
	return e.record("SendUsers %q %s %q", users, kind, data)
}
func (e *fakeEnv) CloseConn(conn uint64, code int32, reason []byte) error {
	return e.record("CloseConn %d %d %q", conn, code, reason)
}
func (e *fakeEnv) Join(conn uint64, room []byte) error  { return e.record("Join %d %q", conn, room) }
func (e *fakeEnv) Leave(conn uint64, room []byte) error { return e.record("Leave %d %q", conn, room) }
func (e *fakeEnv) RoomSize(room []byte) (int, error) {
	return e.size, e.record("RoomSize %q", room)
}
func (e *fakeEnv) AppendRoomMembers(dst, room []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendRoomMembers", " %q", room)
}
func (e *fakeEnv) AppendRoomUsers(dst, room []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendRoomUsers", " %q", room)
}
func (e *fakeEnv) AppendRooms(dst []byte, conn uint64) ([]byte, error) {
	return e.recordAppend(dst, "AppendRooms", " %d", conn)
}
func (e *fakeEnv) Identify(conn uint64, user []byte) error {
	return e.record("Identify %d %q", conn, user)
}
func (e *fakeEnv) AppendUser(dst []byte, conn uint64) ([]byte, error) {
	return e.recordAppend(dst, "AppendUser", " %d", conn)
}
func (e *fakeEnv) Online(user []byte) (bool, error) { return true, e.record("Online %q", user) }
func (e *fakeEnv) AppendUsers(dst []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendUsers", "")
}
func (e *fakeEnv) AppendParam(dst []byte, conn uint64, name []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendParam", " %d %q", conn, name)
}
func (e *fakeEnv) AppendQuery(dst []byte, conn uint64, name []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendQuery", " %d %q", conn, name)
}
func (e *fakeEnv) AppendHeader(dst []byte, conn uint64, name []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendHeader", " %d %q", conn, name)
}
func (e *fakeEnv) AppendRemoteAddr(dst []byte, conn uint64) ([]byte, error) {
	return e.recordAppend(dst, "AppendRemoteAddr", " %d", conn)
}
func (e *fakeEnv) AppendSubprotocol(dst []byte, conn uint64) ([]byte, error) {
	return e.recordAppend(dst, "AppendSubprotocol", " %d", conn)
}
func (e *fakeEnv) AppendClaims(dst []byte, conn uint64) ([]byte, error) {
	return e.recordAppend(dst, "AppendClaims", " %d", conn)
}
func (e *fakeEnv) AppendValue(dst []byte, conn uint64, key []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendValue", " %d %q", conn, key)
}
func (e *fakeEnv) SetValue(conn uint64, key, data []byte) error {
	return e.record("SetValue %d %q %q", conn, key, data)
}
func (e *fakeEnv) DeleteValue(conn uint64, key []byte) error {
	return e.record("DeleteValue %d %q", conn, key)
}
func (e *fakeEnv) AppendStore(dst, key []byte) ([]byte, error) {
	return e.recordAppend(dst, "AppendStore", " %q", key)
}
func (e *fakeEnv) StoreSet(key, data []byte, ttl time.Duration) error {
	return e.record("StoreSet %q %q %s", key, data, ttl)
}
func (e *fakeEnv) StoreDelete(key []byte) error { return e.record("StoreDelete %q", key) }
func (e *fakeEnv) StoreAdd(key []byte, delta int64, ttl time.Duration) (int64, error) {
	return delta + 1, e.record("StoreAdd %q %d %s", key, delta, ttl)
}
func (e *fakeEnv) TimerSet(conn uint64, name []byte, after time.Duration) error {
	return e.record("TimerSet %d %q %s", conn, name, after)
}
func (e *fakeEnv) TimerClear(conn uint64, name []byte) error {
	return e.record("TimerClear %d %q", conn, name)
}
func (e *fakeEnv) Log(level abi.Level, text []byte) { _ = e.record("Log %d %q", level, text) }
func (e *fakeEnv) Metric(op abi.MetricOp, name, labels []byte, value float64) error {
	return e.record("Metric %d %q %q %g", op, name, labels, value)
}
func (e *fakeEnv) Now() time.Time {
	if e.panics {
		panic("the clock is broken")
	}
	return time.Unix(1, 5)
}
func (e *fakeEnv) Fail(text []byte) { _ = e.record("Fail %q", text) }
func (e *fakeEnv) Commit() error    { e.committed++; return nil }
func (e *fakeEnv) Drop()            { e.dropped++ }

// quietEnv counts sends and commits, and records nothing. It is for measurements. Methods that it does not have panic.
type quietEnv struct {
	Env
	sent, committed int
}

func (e *quietEnv) Send(uint64, abi.Kind, []byte) error              { e.sent++; return nil }
func (e *quietEnv) Broadcast([]byte, abi.Kind, []byte, uint64) error { e.sent++; return nil }
func (e *quietEnv) AppendParam(dst []byte, _ uint64, _ []byte) ([]byte, error) {
	return append(dst, "42"...), nil
}
func (e *quietEnv) AppendValue(dst []byte, _ uint64, _ []byte) ([]byte, error) {
	return append(dst, "v"...), nil
}
func (e *quietEnv) Now() time.Time { return time.Time{} }
func (e *quietEnv) Commit() error  { e.committed++; return nil }
func (e *quietEnv) Drop()          {}
