package azutest

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	azu "github.com/azuhost/azuhost/sdk/go"
)

// The methods of tx in this file implement raw.Host. Strings that a hook passes in are valid during the call only, so
// methods clone what they keep.

func (tx *tx) Send(conn uint64, kind int32, data string) int32 {
	if n := tx.checkConn(conn); n < 0 {
		return n
	}
	return tx.sendWhere(kind, data, func(id uint64) bool { return id == conn })
}

func (tx *tx) Broadcast(room string, kind int32, data string, except uint64) int32 {
	if n := checkNames(room); n < 0 {
		return n
	}
	return tx.sendWhere(kind, data, func(id uint64) bool {
		return id != except && slices.Contains(tx.rooms[id], room)
	})
}

func (tx *tx) BroadcastAll(kind int32, data string, except uint64) int32 {
	return tx.sendWhere(kind, data, func(id uint64) bool { return id != except })
}

func (tx *tx) SendUser(user string, kind int32, data string) int32 {
	if n := checkNames(user); n < 0 {
		return n
	}
	return tx.SendUsers(user, kind, data)
}

func (tx *tx) SendUsers(users string, kind int32, data string) int32 {
	list := strings.Split(users, "\n")
	if n := checkNames(list...); n < 0 {
		return n
	}
	for _, user := range list {
		if n := tx.sendWhere(kind, data, func(id uint64) bool { return tx.users[id] == user }); n < 0 {
			return n
		}
	}
	return 0
}

func (tx *tx) Close(conn uint64, code int32, reason string) int32 {
	allowed := code == 1000 || code == 1001 || code == 1003 || code >= 1007 && code <= 1013 ||
		code >= 3000 && code <= 4999
	if !allowed || len(reason) > 123 || !utf8.ValidString(reason) {
		return invalid
	}
	if n := tx.checkConn(conn); n < 0 {
		return n
	}
	if _, closing := tx.closing[conn]; !closing && tx.clients[conn].open {
		put(tx, tx.closing, conn, closeFrame{int(code), strings.Clone(reason)})
	}
	return 0
}

func (tx *tx) Join(conn uint64, room string) int32 {
	if n := firstError(tx.checkConn(conn), checkNames(room)); n < 0 {
		return n
	}
	if old := tx.rooms[conn]; !slices.Contains(old, room) {
		put(tx, tx.rooms, conn, append(slices.Clip(old), strings.Clone(room)))
	}
	return 0
}

func (tx *tx) Leave(conn uint64, room string) int32 {
	if n := firstError(tx.checkConn(conn), checkNames(room)); n < 0 {
		return n
	}
	rest := slices.DeleteFunc(slices.Clone(tx.rooms[conn]), func(r string) bool { return r == room })
	put(tx, tx.rooms, conn, rest)
	return 0
}

func (tx *tx) RoomSize(room string) int32 {
	if n := checkNames(room); n < 0 {
		return n
	}
	return int32(len(tx.members(room)))
}

func (tx *tx) RoomMembers(room string) (b []byte, errno int32) {
	for _, id := range tx.members(room) {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return b, checkNames(room)
}

func (tx *tx) RoomUsers(room string) ([]byte, int32) {
	return lines(tx.present(room)), checkNames(room)
}

func (tx *tx) Rooms(conn uint64) ([]byte, int32) { return lines(tx.rooms[conn]), tx.checkConn(conn) }

func lines(names []string) []byte { return []byte(strings.Join(names, "\n")) }

func (tx *tx) Identify(conn uint64, user string) int32 {
	if n := tx.checkConn(conn); n < 0 {
		return n
	}
	if user == "" {
		remove(tx, tx.users, conn)
		return 0
	}
	if n := checkNames(user); n < 0 {
		return n
	}
	put(tx, tx.users, conn, strings.Clone(user))
	return 0
}

func (tx *tx) User(conn uint64) ([]byte, int32) { return []byte(tx.users[conn]), tx.checkConn(conn) }

func (tx *tx) Online(user string) int32 {
	if n := checkNames(user); n < 0 {
		return n
	}
	if slices.Contains(tx.present(""), user) {
		return 1
	}
	return 0
}

func (tx *tx) Users() ([]byte, int32) { return lines(tx.present("")), 0 }

func (tx *tx) Param(conn uint64, name string) ([]byte, int32) {
	if n := tx.checkConn(conn); n < 0 {
		return nil, n
	}
	v, ok := tx.clients[conn].params[name]
	return orNotFound(v, ok)
}

// orNotFound returns the result of a getter.
func orNotFound(v string, ok bool) ([]byte, int32) {
	if !ok {
		return nil, notFound
	}
	return []byte(v), 0
}

func (tx *tx) Query(conn uint64, name string) ([]byte, int32) {
	if n := tx.checkHandshake(conn); n < 0 {
		return nil, n
	}
	v, ok := tx.clients[conn].query[name]
	return orNotFound(v, ok)
}

func (tx *tx) Header(conn uint64, name string) ([]byte, int32) {
	if n := tx.checkHandshake(conn); n < 0 {
		return nil, n
	}
	for k, v := range tx.clients[conn].request.Header {
		if strings.EqualFold(k, name) {
			return []byte(v), 0
		}
	}
	return nil, notFound
}

func (tx *tx) RemoteAddr(conn uint64) ([]byte, int32) {
	if n := tx.checkConn(conn); n < 0 {
		return nil, n
	}
	return []byte(tx.clients[conn].request.RemoteAddr), 0
}

func (tx *tx) Subprotocol(conn uint64) ([]byte, int32) {
	if n := tx.checkConn(conn); n < 0 {
		return nil, n
	}
	return []byte(tx.clients[conn].request.Subprotocol), 0
}

func (tx *tx) Claims(conn uint64) ([]byte, int32) {
	if n := tx.checkConn(conn); n < 0 {
		return nil, n
	}
	v := tx.clients[conn].request.Claims
	return orNotFound(v, v != "")
}

func (tx *tx) ValueGet(conn uint64, key string) ([]byte, int32) {
	if n := firstError(tx.checkConn(conn), checkNames(key)); n < 0 {
		return nil, n
	}
	v, ok := tx.values[connKey{conn, key}]
	return orNotFound(v, ok)
}

func (tx *tx) ValueSet(conn uint64, key, data string) int32 {
	if n := firstError(tx.checkConn(conn), checkNames(key)); n < 0 {
		return n
	}
	put(tx, tx.values, connKey{conn, strings.Clone(key)}, strings.Clone(data))
	return 0
}

func (tx *tx) ValueDelete(conn uint64, key string) int32 {
	_, n := tx.ValueGet(conn, key)
	if n >= 0 {
		remove(tx, tx.values, connKey{conn, strings.Clone(key)})
	}
	return n
}

func (tx *tx) StoreGet(key string) ([]byte, int32) {
	if n := checkNames(key); n < 0 {
		return nil, n
	}
	e, ok := tx.storeEntry(key)
	return orNotFound(e.data, ok)
}

func (tx *tx) StoreSet(key, data string, ttlMS int64) int32 {
	if checkNames(key) < 0 || ttlMS < 0 {
		return invalid
	}
	put(tx, tx.store, strings.Clone(key), storeEntry{strings.Clone(data), tx.expiry(ttlMS)})
	return 0
}

func (tx *tx) StoreDelete(key string) int32 {
	_, n := tx.StoreGet(key)
	if n >= 0 {
		remove(tx, tx.store, strings.Clone(key))
	}
	return n
}

func (tx *tx) StoreAdd(key string, delta, ttlMS int64) (int64, int32) {
	if checkNames(key) < 0 || ttlMS < 0 {
		return 0, invalid
	}
	e, ok := tx.storeEntry(key)
	if !ok {
		e = storeEntry{"0", tx.expiry(ttlMS)}
	}
	sum, err := strconv.ParseInt(e.data, 10, 64)
	if err != nil {
		return 0, invalid
	}
	if delta > 0 && sum+delta < sum || delta < 0 && sum+delta > sum {
		return 0, limit
	}
	sum += delta
	put(tx, tx.store, strings.Clone(key), storeEntry{strconv.FormatInt(sum, 10), e.until})
	return sum, 0
}

func (tx *tx) TimerSet(conn uint64, timer string, afterMS int64) int32 {
	if afterMS < 0 {
		return invalid
	}
	if conn != 0 && tx.checkConn(conn) < 0 {
		return notFound
	}
	if n := checkNames(timer); n < 0 {
		return n
	}
	after := time.Duration(afterMS) * time.Millisecond
	if tx.event.hook == onTimer {
		after = max(after, minTimer)
	}
	put(tx, tx.timers, connKey{conn, strings.Clone(timer)}, tx.now.Add(after))
	return 0
}

func (tx *tx) TimerClear(conn uint64, timer string) int32 {
	if n := checkNames(timer); n < 0 {
		return n
	}
	k := connKey{conn, strings.Clone(timer)}
	if _, ok := tx.timers[k]; !ok {
		return notFound
	}
	remove(tx, tx.timers, k)
	return 0
}

// Log writes the line at once: a hook that fails keeps it.
func (tx *tx) Log(level int32, text string) int32 {
	if level < int32(azu.LevelDebug) || level > int32(azu.LevelError) {
		return invalid
	}
	tx.logs = append(tx.logs, Line{azu.Level(level), strings.Clone(text)})
	return 0
}

// Metric takes effect when the hook succeeds.
func (tx *tx) Metric(op int32, name, labels string, value float64) int32 {
	o, ok := newObservation(metricOp(op), strings.Clone(name), strings.Clone(labels), value)
	if !ok || !tx.metrics.fits(o) {
		return invalid
	}
	tx.observations = append(tx.observations, o)
	return 0
}

func (tx *tx) Now() int64 { return tx.now.UnixNano() }

func (tx *tx) Fail(text string) int32 {
	text = strings.Clone(text)
	tx.text = &text
	return int32(azu.ErrFailed)
}

func (tx *tx) Read() ([]byte, int32) { return []byte(tx.event.data), 0 }
