package frame

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/azuhost/azuhost/host/abi"
)

// Mark is the first byte of a control message of azuhost.v1: U+001E. Text data
// that begins with it is escaped by a second one in front.
const Mark = 0x1e

// Position is the position of a message in the history of a room: its offset
// within an epoch. The zero value stands for no position.
type Position struct {
	Epoch  string
	Offset uint64
}

// AppendControl appends a control message, a text frame, that carries v as
// JSON. It panics if v cannot be encoded.
func AppendControl(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // v is always a type of the host
	}
	return appendMarked(dst, b)
}

// appendMarked appends a text frame that carries Mark and p.
func appendMarked(dst, p []byte) []byte {
	dst = AppendHeader(dst, OpText, len(p)+1)
	return append(append(dst, Mark), p...)
}

// Parts of position messages. Role recognizes the messages by them.
const (
	positionHead = `{"type":"position",`
	missedMember = `"missed":true,`
	skipTail     = `,"skip":true}`
)

// AppendPosition appends the position message of the data frame that follows.
// roomJSON is the name of the room, encoded by RoomJSON. With skip no data
// follows: the message was not for the member, or the member has it.
//
// A position goes with every message of a room. It is therefore built by hand
// rather than by encoding/json.
func AppendPosition(dst, roomJSON []byte, p Position, skip bool) []byte {
	return appendPosition(dst, positionHead, roomJSON, p, skip)
}

// AppendMissed appends one message of an answer to recover: the position of
// the message and, unless skip, data, its frame.
func AppendMissed(dst []byte, room string, p Position, data []byte, skip bool) []byte {
	dst = appendPosition(dst, positionHead+missedMember, RoomJSON(room), p, skip)
	if skip {
		return dst
	}
	return AppendEscaped(dst, data)
}

func appendPosition(dst []byte, head string, roomJSON []byte, p Position, skip bool) []byte {
	var b [512]byte
	s := append(b[:0], head...)
	s = append(s, `"room":`...)
	s = append(s, roomJSON...)
	s = append(s, `,"epoch":"`...)
	s = append(s, p.Epoch...)
	s = append(s, `","offset":`...)
	s = strconv.AppendUint(s, p.Offset, 10)
	if skip {
		return appendMarked(dst, append(s, skipTail...))
	}
	return appendMarked(dst, append(s, '}'))
}

// RoomJSON encodes the name of a room as a JSON string.
func RoomJSON(room string) []byte {
	b, err := json.Marshal(room)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return b
}

type membershipMessage struct {
	Type   string  `json:"type"`
	Room   string  `json:"room"`
	Epoch  string  `json:"epoch,omitempty"`
	Offset *uint64 `json:"offset,omitempty"`
}

// Joined returns the message that says that the connection is a member of
// room, whose newest message is at p.
func Joined(room string, p Position) []byte {
	return AppendControl(nil, membershipMessage{"joined", room, p.Epoch, &p.Offset})
}

// Left returns the message that says that the connection left room.
func Left(room string) []byte {
	return AppendControl(nil, membershipMessage{Type: "left", Room: room})
}

// Role says how a queue that drops frames has to treat f, a frame to a member
// that speaks azuhost.v1.
//
// keep: f is a control message that the client waits for or cannot do without,
// such as an answer; it may not be dropped. A position of a message just sent
// may be dropped: the client detects the gap and recovers.
//
// paired: f is the position of the data in the next frame, and useless without it.
func Role(f []byte) (keep, paired bool) {
	p, ok := marked(f)
	if !ok || len(p) > 1 && p[1] == Mark {
		return false, false
	}
	rest, ok := bytes.CutPrefix(p[1:], []byte(positionHead))
	if !ok {
		return true, false
	}
	return bytes.HasPrefix(rest, []byte(missedMember)), !bytes.HasSuffix(rest, []byte(skipTail))
}

// AppendEscaped appends the data frame f in the form for a member that speaks
// azuhost.v1: text that begins with Mark gets a second Mark in front.
func AppendEscaped(dst, f []byte) []byte {
	if p, ok := marked(f); ok {
		return appendMarked(dst, p)
	}
	return append(dst, f...)
}

// Escaped is AppendEscaped that returns f itself where nothing is to be
// escaped.
func Escaped(f []byte) []byte {
	if p, ok := marked(f); ok {
		return appendMarked(nil, p)
	}
	return f
}

// marked returns the payload of f if f is a text frame that begins with Mark.
func marked(f []byte) ([]byte, bool) {
	if len(f) < 3 || Opcode(f) != byte(abi.Text) {
		return nil, false
	}
	p := Payload(f)
	return p, len(p) > 0 && p[0] == Mark
}

// CountData counts the frames in p that are not control messages of azuhost.v1.
func CountData(p []byte) (n int) {
	for len(p) > 0 {
		size := Len(p)
		if payload, ok := marked(p[:size]); !ok || !bytes.HasPrefix(payload, []byte{Mark, '{'}) {
			n++
		}
		p = p[size:]
	}
	return n
}
