package azutest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	azu "github.com/azuhost/azuhost/sdk/go"
)

// tx is one hook: it answers the host functions. What changes the state of
// the host does so at once, so that the hook sees it, and leaves behind how to
// undo it.
type tx struct {
	*Host
	conn  uint64 // of the event
	dial  bool   // the event is on_connect
	event string
	sent  []delivery
	undo  []func()
	text  *string // what fail was called with
	code  int32   // what the hook returned
}

type delivery struct {
	to      *Client
	message azu.Message
}

func (tx *tx) failed() bool { return tx.code != 0 || tx.text != nil }

func (tx *tx) reason() string {
	if tx.text != nil {
		return *tx.text
	}
	return fmt.Sprintf("the hook returned %d", tx.code)
}

// put sets m[k] for as long as the hook does not fail.
func put[K comparable, V any](tx *tx, m map[K]V, k K, v V) {
	restore(tx, m, k)
	m[k] = v
}

// drop is put for a deletion.
func drop[K comparable, V any](tx *tx, m map[K]V, k K) {
	restore(tx, m, k)
	delete(m, k)
}

func restore[K comparable, V any](tx *tx, m map[K]V, k K) {
	old, had := m[k]
	tx.undo = append(tx.undo, func() {
		if had {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
}

func sorted[V any](m map[uint64]V) []uint64 { return slices.Sorted(maps.Keys(m)) }

func places[V any](m map[place]V) []place {
	return slices.SortedFunc(maps.Keys(m), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.conn, b.conn), cmp.Compare(a.name, b.name))
	})
}

const (
	invalid  = int32(azu.ErrInvalid)
	notFound = int32(azu.ErrNotFound)
	limit    = int32(azu.ErrLimit)
	state    = int32(azu.ErrState)
)

// name checks names.
func name(names ...string) int32 {
	for _, n := range names {
		if n == "" || len(n) > 255 || !utf8.ValidString(n) {
			return invalid
		}
		for _, r := range n {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				return invalid
			}
		}
	}
	return 0
}

func message(kind int32, data string) (azu.Message, int32) {
	switch {
	case azu.Kind(kind) == azu.KindText && utf8.ValidString(data):
	case azu.Kind(kind) == azu.KindBinary:
	default:
		return azu.Message{}, invalid
	}
	return azu.Message{Kind: azu.Kind(kind), Data: []byte(data)}, 0
}

// post sends to every open connection for which to holds, in order.
func (tx *tx) post(kind int32, data string, to func(id uint64) bool) int32 {
	m, errno := message(kind, data)
	if errno < 0 {
		return errno
	}
	for _, id := range sorted(tx.clients) {
		if _, closing := tx.closing[id]; to(id) && !closing && tx.has(id) == 0 {
			tx.sent = append(tx.sent, delivery{tx.clients[id], m})
		}
	}
	return 0
}

func (tx *tx) has(conn uint64) int32 {
	c := tx.clients[conn]
	if c == nil || !c.open && conn != tx.conn {
		return notFound
	}
	return 0
}

// first is the first error.
func first(errnos ...int32) int32 {
	for _, n := range errnos {
		if n < 0 {
			return n
		}
	}
	return 0
}

func (tx *tx) Send(conn uint64, kind int32, data string) int32 {
	if n := tx.has(conn); n < 0 {
		return n
	}
	return tx.post(kind, data, func(id uint64) bool { return id == conn })
}

func (tx *tx) Broadcast(room string, kind int32, data string, except uint64) int32 {
	if n := name(room); n < 0 {
		return n
	}
	return tx.post(kind, data, func(id uint64) bool { return id != except && slices.Contains(tx.rooms[id], room) })
}

func (tx *tx) BroadcastAll(kind int32, data string, except uint64) int32 {
	return tx.post(kind, data, func(id uint64) bool { return id != except })
}

func (tx *tx) SendUser(user string, kind int32, data string) int32 {
	if n := name(user); n < 0 {
		return n
	}
	return tx.SendUsers(user, kind, data)
}

func (tx *tx) SendUsers(users string, kind int32, data string) int32 {
	list := strings.Split(users, "\n")
	if n := name(list...); n < 0 {
		return n
	}
	for _, user := range list {
		if n := tx.post(kind, data, func(id uint64) bool { return tx.user[id] == user }); n < 0 {
			return n
		}
	}
	return 0
}

func (tx *tx) Close(conn uint64, code int32, reason string) int32 {
	allowed := code == 1000 || code == 1001 || code == 1003 || code >= 1007 && code <= 1013 || code >= 3000 && code <= 4999
	if !allowed || len(reason) > 123 || !utf8.ValidString(reason) {
		return invalid
	}
	if n := tx.has(conn); n < 0 {
		return n
	}
	if _, already := tx.closing[conn]; !already && tx.clients[conn].open {
		put(tx, tx.closing, conn, farewell{int(code), strings.Clone(reason)})
	}
	return 0
}

func (tx *tx) Join(conn uint64, room string) int32 {
	if n := first(name(room), tx.has(conn)); n < 0 {
		return n
	}
	if old := tx.rooms[conn]; !slices.Contains(old, room) {
		put(tx, tx.rooms, conn, append(slices.Clip(old), strings.Clone(room)))
	}
	return 0
}

func (tx *tx) Leave(conn uint64, room string) int32 {
	if n := first(name(room), tx.has(conn)); n < 0 {
		return n
	}
	rest := slices.DeleteFunc(slices.Clone(tx.rooms[conn]), func(r string) bool { return r == room })
	put(tx, tx.rooms, conn, rest)
	return 0
}

func (tx *tx) members(room string) []uint64 {
	return slices.DeleteFunc(sorted(tx.clients), func(id uint64) bool {
		return !tx.clients[id].open || !slices.Contains(tx.rooms[id], room)
	})
}

func (tx *tx) RoomSize(room string) int32 {
	if n := name(room); n < 0 {
		return n
	}
	return int32(len(tx.members(room)))
}

func (tx *tx) RoomMembers(room string) (b []byte, errno int32) {
	for _, id := range tx.members(room) {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return b, name(room)
}

func (tx *tx) RoomUsers(room string) ([]byte, int32) { return lines(tx.present(room)), name(room) }

func (tx *tx) Rooms(conn uint64) ([]byte, int32) { return lines(tx.rooms[conn]), tx.has(conn) }

func lines(names []string) []byte { return []byte(strings.Join(names, "\n")) }

func (tx *tx) Identify(conn uint64, user string) int32 {
	if user == "" {
		drop(tx, tx.user, conn)
		return tx.has(conn)
	}
	if n := first(name(user), tx.has(conn)); n < 0 {
		return n
	}
	put(tx, tx.user, conn, strings.Clone(user))
	return 0
}

func (tx *tx) User(conn uint64) ([]byte, int32) { return []byte(tx.user[conn]), tx.has(conn) }

func (tx *tx) Online(user string) int32 {
	if n := name(user); n < 0 {
		return n
	}
	if slices.Contains(tx.present(""), user) {
		return 1
	}
	return 0
}

func (tx *tx) Users() ([]byte, int32) { return lines(tx.present("")), 0 }

func (tx *tx) Param(conn uint64, name string) ([]byte, int32) {
	if n := tx.has(conn); n < 0 {
		return nil, n
	}
	v, ok := tx.clients[conn].params[name]
	return found(v, ok)
}

// found is the answer of a getter.
func found(v string, ok bool) ([]byte, int32) {
	if !ok {
		return nil, notFound
	}
	return []byte(v), 0
}

func (tx *tx) Query(conn uint64, name string) ([]byte, int32) {
	if n := tx.connecting(conn); n < 0 {
		return nil, n
	}
	q := tx.clients[conn].query
	return found(q.Get(name), q.Has(name))
}

func (tx *tx) Header(conn uint64, name string) ([]byte, int32) {
	if n := tx.connecting(conn); n < 0 {
		return nil, n
	}
	for k, v := range tx.clients[conn].request.Header {
		if strings.EqualFold(k, name) {
			return []byte(v), 0
		}
	}
	return nil, notFound
}

// connecting makes sure that this hook is the on_connect of conn.
func (tx *tx) connecting(conn uint64) int32 {
	if n := tx.has(conn); n < 0 {
		return n
	}
	if !tx.dial || conn != tx.conn {
		return state
	}
	return 0
}

func (tx *tx) RemoteAddr(conn uint64) ([]byte, int32) {
	if n := tx.has(conn); n < 0 {
		return nil, n
	}
	return []byte(tx.clients[conn].request.RemoteAddr), 0
}

func (tx *tx) Subprotocol(conn uint64) ([]byte, int32) {
	if n := tx.has(conn); n < 0 {
		return nil, n
	}
	return []byte(tx.clients[conn].request.Subprotocol), 0
}

func (tx *tx) Claims(conn uint64) ([]byte, int32) {
	if n := tx.has(conn); n < 0 {
		return nil, n
	}
	v := tx.clients[conn].request.Claims
	return found(v, v != "")
}

func (tx *tx) ValueGet(conn uint64, key string) ([]byte, int32) {
	if n := first(name(key), tx.has(conn)); n < 0 {
		return nil, n
	}
	v, ok := tx.values[place{conn, key}]
	return found(v, ok)
}

func (tx *tx) ValueSet(conn uint64, key, data string) int32 {
	if n := first(name(key), tx.has(conn)); n < 0 {
		return n
	}
	put(tx, tx.values, place{conn, key}, strings.Clone(data))
	return 0
}

func (tx *tx) ValueDelete(conn uint64, key string) int32 {
	_, n := tx.ValueGet(conn, key)
	if n >= 0 {
		drop(tx, tx.values, place{conn, key})
	}
	return n
}

// until is the end of what lives for so long.
func (tx *tx) until(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return tx.now.Add(time.Duration(ms) * time.Millisecond)
}

func (tx *tx) StoreGet(key string) ([]byte, int32) {
	if n := name(key); n < 0 {
		return nil, n
	}
	e, ok := tx.stored(key)
	return found(e.data, ok)
}

func (tx *tx) StoreSet(key, data string, ttlMS int64) int32 {
	if name(key) < 0 || ttlMS < 0 {
		return invalid
	}
	put(tx, tx.store, strings.Clone(key), entry{strings.Clone(data), tx.until(ttlMS)})
	return 0
}

func (tx *tx) StoreDelete(key string) int32 {
	_, n := tx.StoreGet(key)
	if n >= 0 {
		drop(tx, tx.store, key)
	}
	return n
}

func (tx *tx) StoreAdd(key string, delta, ttlMS int64) (int64, int32) {
	if name(key) < 0 || ttlMS < 0 {
		return 0, invalid
	}
	e, ok := tx.stored(key)
	if !ok {
		e = entry{"0", tx.until(ttlMS)}
	}
	sum, err := strconv.ParseInt(e.data, 10, 64)
	if err != nil {
		return 0, invalid
	}
	if delta > 0 && sum+delta < sum || delta < 0 && sum+delta > sum {
		return 0, limit
	}
	sum += delta
	put(tx, tx.store, strings.Clone(key), entry{strconv.FormatInt(sum, 10), e.until})
	return sum, 0
}

func (tx *tx) TimerSet(conn uint64, timer string, afterMS int64) int32 {
	if name(timer) < 0 || afterMS < 0 {
		return invalid
	}
	if conn != 0 && tx.has(conn) < 0 {
		return notFound
	}
	put(tx, tx.timers, place{conn, strings.Clone(timer)}, tx.now.Add(time.Duration(afterMS)*time.Millisecond))
	return 0
}

func (tx *tx) TimerClear(conn uint64, timer string) int32 {
	if n := name(timer); n < 0 {
		return n
	}
	p := place{conn, timer}
	if _, ok := tx.timers[p]; !ok {
		return notFound
	}
	drop(tx, tx.timers, p)
	return 0
}

func (tx *tx) Log(level int32, text string) int32 {
	if level < 0 || level > 3 {
		return invalid
	}
	tx.logs = append(tx.logs, Line{azu.Level(level), strings.Clone(text)})
	return 0
}

func (tx *tx) Metric(op int32, metric, labels string, value float64) int32 {
	if name(metric) < 0 || op < 0 || op > 2 {
		return invalid
	}
	if labels != "" {
		metric += "\n" + labels
	}
	if op == 0 {
		value += tx.metrics[metric]
	}
	put(tx, tx.metrics, strings.Clone(metric), value)
	return 0
}

func (tx *tx) Now() int64 { return tx.now.UnixNano() }

func (tx *tx) Fail(text string) int32 {
	text = strings.Clone(text)
	tx.text = &text
	return int32(azu.ErrFailed)
}

func (tx *tx) Read() ([]byte, int32) { return []byte(tx.event), 0 }
