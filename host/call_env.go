package host

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/naming"
)

// channelEnv is a call as the Env of a channel in Go. Its methods convert
// between the strings of Env and the bytes of plugin.Env.
type channelEnv call

func (e *channelEnv) call() *call { return (*call)(e) }

// Send implements Env.
func (e *channelEnv) Send(conn ConnID, kind abi.Kind, data []byte) error {
	return e.call().Send(conn, kind, data)
}

// Broadcast implements Env.
func (e *channelEnv) Broadcast(room string, kind abi.Kind, data []byte, except ConnID) error {
	return e.call().Broadcast([]byte(room), kind, data, except)
}

// BroadcastAll implements Env.
func (e *channelEnv) BroadcastAll(kind abi.Kind, data []byte, except ConnID) error {
	return e.call().BroadcastAll(kind, data, except)
}

// SendUser implements Env.
func (e *channelEnv) SendUser(user string, kind abi.Kind, data []byte) error {
	return e.call().SendUser([]byte(user), kind, data)
}

// SendUsers implements Env.
func (e *channelEnv) SendUsers(users []string, kind abi.Kind, data []byte) error {
	for _, u := range users {
		if !naming.Valid(u) { // a newline in a name would make two of it
			return abi.Invalid
		}
	}
	return e.call().SendUsers(appendLines(nil, users), kind, data)
}

// CloseConn implements Env.
func (e *channelEnv) CloseConn(conn ConnID, code int, reason string) error {
	if !frame.CanClose(code) { // before the conversion to 32 bits
		return abi.Invalid
	}
	return e.call().CloseConn(conn, int32(code), []byte(reason))
}

// Join implements Env.
func (e *channelEnv) Join(conn ConnID, room string) error { return e.call().Join(conn, []byte(room)) }

// Leave implements Env.
func (e *channelEnv) Leave(conn ConnID, room string) error { return e.call().Leave(conn, []byte(room)) }

// RoomSize implements Env.
func (e *channelEnv) RoomSize(room string) (int, error) { return e.call().RoomSize([]byte(room)) }

// RoomMembers implements Env.
func (e *channelEnv) RoomMembers(room string) ([]ConnID, error) {
	b, err := e.call().AppendRoomMembers(nil, []byte(room))
	if err != nil {
		return nil, err
	}
	ids := make([]ConnID, 0, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		ids = append(ids, binary.LittleEndian.Uint64(b))
	}
	return ids, nil
}

// RoomUsers implements Env.
func (e *channelEnv) RoomUsers(room string) ([]string, error) {
	return splitLines(e.call().AppendRoomUsers(nil, []byte(room)))
}

// Rooms implements Env.
func (e *channelEnv) Rooms(conn ConnID) ([]string, error) {
	return splitLines(e.call().AppendRooms(nil, conn))
}

// Identify implements Env.
func (e *channelEnv) Identify(conn ConnID, user string) error {
	return e.call().Identify(conn, []byte(user))
}

// User implements Env.
func (e *channelEnv) User(conn ConnID) (string, error) { return text(e.call().AppendUser(nil, conn)) }

// Online implements Env.
func (e *channelEnv) Online(user string) (bool, error) { return e.call().Online([]byte(user)) }

// Users implements Env.
func (e *channelEnv) Users() ([]string, error) { return splitLines(e.call().AppendUsers(nil)) }

// Param implements Env.
func (e *channelEnv) Param(conn ConnID, name string) (string, error) {
	return text(e.call().AppendParam(nil, conn, []byte(name)))
}

// Query implements Env.
func (e *channelEnv) Query(conn ConnID, name string) (string, error) {
	return text(e.call().AppendQuery(nil, conn, []byte(name)))
}

// Header implements Env.
func (e *channelEnv) Header(conn ConnID, name string) (string, error) {
	return text(e.call().AppendHeader(nil, conn, []byte(name)))
}

// RemoteAddr implements Env.
func (e *channelEnv) RemoteAddr(conn ConnID) (string, error) {
	return text(e.call().AppendRemoteAddr(nil, conn))
}

// Subprotocol implements Env.
func (e *channelEnv) Subprotocol(conn ConnID) (string, error) {
	return text(e.call().AppendSubprotocol(nil, conn))
}

// Claims implements Env.
func (e *channelEnv) Claims(conn ConnID) ([]byte, error) { return e.call().AppendClaims(nil, conn) }

// Value implements Env.
func (e *channelEnv) Value(conn ConnID, key string) ([]byte, error) {
	return e.call().AppendValue(nil, conn, []byte(key))
}

// SetValue implements Env.
func (e *channelEnv) SetValue(conn ConnID, key string, data []byte) error {
	return e.call().SetValue(conn, []byte(key), data)
}

// DeleteValue implements Env.
func (e *channelEnv) DeleteValue(conn ConnID, key string) error {
	return e.call().DeleteValue(conn, []byte(key))
}

// StoreGet implements Env.
func (e *channelEnv) StoreGet(key string) ([]byte, error) {
	return e.call().AppendStore(nil, []byte(key))
}

// StoreSet implements Env.
func (e *channelEnv) StoreSet(key string, data []byte, ttl time.Duration) error {
	return e.call().StoreSet([]byte(key), data, ttl)
}

// StoreDelete implements Env.
func (e *channelEnv) StoreDelete(key string) error { return e.call().StoreDelete([]byte(key)) }

// StoreAdd implements Env.
func (e *channelEnv) StoreAdd(key string, delta int64, ttl time.Duration) (int64, error) {
	return e.call().StoreAdd([]byte(key), delta, ttl)
}

// TimerSet implements Env.
func (e *channelEnv) TimerSet(conn ConnID, name string, after time.Duration) error {
	return e.call().TimerSet(conn, []byte(name), after)
}

// TimerClear implements Env.
func (e *channelEnv) TimerClear(conn ConnID, name string) error {
	return e.call().TimerClear(conn, []byte(name))
}

// Log implements Env.
func (e *channelEnv) Log(level abi.Level, text string) { e.call().Log(level, []byte(text)) }

// Metric implements Env.
func (e *channelEnv) Metric(op abi.MetricOp, name, labels string, value float64) error {
	return e.call().Metric(op, []byte(name), []byte(labels), value)
}

// Now implements Env.
func (e *channelEnv) Now() time.Time { return e.call().Now() }

// Fail implements Env.
func (e *channelEnv) Fail(text string) { e.call().Fail([]byte(text)) }

// text converts the result of a read to a string.
func text(b []byte, err error) (string, error) { return string(b), err }

// splitLines splits a list of names that appendLines has joined.
func splitLines(b []byte, err error) ([]string, error) {
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return strings.Split(string(b), "\n"), nil
}
