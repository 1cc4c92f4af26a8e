package azutest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	azu "github.com/azuhost/azuhost/sdk/go"
)

// event is the event of a hook.
type event struct {
	conn uint64 // 0: none
	data string
	hook hookKind
}

// hookKind has the hooks for which host functions have rules of their own.
type hookKind int

const (
	otherHook hookKind = iota
	onConnect
	onTimer
)

// minTimer is the shortest delay of a timer that on_timer sets (sdk/ABI.md). Without it, a timer that sets itself with
// a delay of 0 would fire without end.
const minTimer = time.Millisecond

// tx is a running hook. It implements raw.Host. Host functions change the state of the Host at once, so that the hook
// reads its own writes, and append a function to undo that undoes the change. Messages and metrics, which a hook cannot
// read, are collected.
type tx struct {
	*Host
	event event

	undo         []func()
	sent         []delivery
	observations []observation

	// The result of the hook.
	text *string // argument of fail; nil: the hook did not call fail
	code int32
}

// delivery is a message for a client.
type delivery struct {
	to      *Client
	message azu.Message
}

func (tx *tx) failed() bool { return tx.code != 0 || tx.text != nil }

// refused returns whether the hook refused its event with a code from min to max.
func (tx *tx) refused(min, max int32) bool { return tx.text == nil && tx.code >= min && tx.code <= max }

// reason returns the error text of a failed hook.
func (tx *tx) reason() string {
	if tx.text != nil {
		return *tx.text
	}
	return fmt.Sprintf("the hook returned %d", tx.code)
}

// rollback undoes the changes of the hook.
func (tx *tx) rollback() {
	for _, undo := range slices.Backward(tx.undo) {
		undo()
	}
}

// put sets m[k].
func put[K comparable, V any](tx *tx, m map[K]V, k K, v V) {
	saveForRollback(tx, m, k)
	m[k] = v
}

// remove deletes m[k].
func remove[K comparable, V any](tx *tx, m map[K]V, k K) {
	saveForRollback(tx, m, k)
	delete(m, k)
}

func saveForRollback[K comparable, V any](tx *tx, m map[K]V, k K) {
	old, had := m[k]
	tx.undo = append(tx.undo, func() {
		if had {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
}

func sortedIDs[V any](m map[uint64]V) []uint64 { return slices.Sorted(maps.Keys(m)) }

func sortedKeys[V any](m map[connKey]V) []connKey {
	return slices.SortedFunc(maps.Keys(m), func(a, b connKey) int {
		return cmp.Or(cmp.Compare(a.conn, b.conn), cmp.Compare(a.name, b.name))
	})
}

// Results of host functions.
const (
	invalid  = int32(azu.ErrInvalid)
	notFound = int32(azu.ErrNotFound)
	limit    = int32(azu.ErrLimit)
	state    = int32(azu.ErrState)
)

// firstError returns the first negative result, and 0 if there is none.
func firstError(results ...int32) int32 {
	for _, n := range results {
		if n < 0 {
			return n
		}
	}
	return 0
}

// checkNames returns INVALID unless all names are valid: 1 to 255 bytes of UTF-8 without control characters and line
// separators.
func checkNames(names ...string) int32 {
	for _, n := range names {
		if n == "" || len(n) > 255 || !utf8.ValidString(n) {
			return invalid
		}
		for _, r := range n {
			if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
				return invalid
			}
		}
	}
	return 0
}

// checkConn returns NOT_FOUND unless a connection is open, or is the one of a running on_close.
func (tx *tx) checkConn(conn uint64) int32 {
	c := tx.clients[conn]
	if c == nil || !c.open && conn != tx.event.conn {
		return notFound
	}
	return 0
}

// checkHandshake returns STATE unless the hook is the on_connect of a connection.
func (tx *tx) checkHandshake(conn uint64) int32 {
	if n := tx.checkConn(conn); n < 0 {
		return n
	}
	if tx.event.hook != onConnect || conn != tx.event.conn {
		return state
	}
	return 0
}

// toMessage returns a message, or INVALID if its kind is unknown or its text is not UTF-8.
func toMessage(kind int32, data string) (azu.Message, int32) {
	switch {
	case azu.Kind(kind) == azu.KindText && utf8.ValidString(data):
	case azu.Kind(kind) == azu.KindBinary:
	default:
		return azu.Message{}, invalid
	}
	return azu.Message{Kind: azu.Kind(kind), Data: []byte(data)}, 0
}

// sendWhere sends a message to every open connection for which the condition holds, in the order of their ids. It drops
// the message for connections that a hook has closed.
func (tx *tx) sendWhere(kind int32, data string, condition func(id uint64) bool) int32 {
	m, errno := toMessage(kind, data)
	if errno < 0 {
		return errno
	}
	for _, id := range sortedIDs(tx.clients) {
		if _, closing := tx.closing[id]; !closing && tx.checkConn(id) == 0 && condition(id) {
			tx.sent = append(tx.sent, delivery{tx.clients[id], m})
		}
	}
	return 0
}

// members returns the open connections in a room, sorted.
func (tx *tx) members(room string) []uint64 {
	return slices.DeleteFunc(sortedIDs(tx.clients), func(id uint64) bool {
		return !tx.clients[id].open || !slices.Contains(tx.rooms[id], room)
	})
}

// expiry returns the time at which a value expires. It is zero if ms is 0: the value does not expire.
func (tx *tx) expiry(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return tx.now.Add(time.Duration(ms) * time.Millisecond)
}
