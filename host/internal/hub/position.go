package hub

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/azuhost/azuhost/host/abi"
)

// Position is a place in the history of a room: the offset of a message, in an
// epoch. The zero value is none.
type Position struct {
	Epoch  string
	Offset uint64
}

// Mark begins a control message of the subprotocol (docs/PROTOCOL.md).
const Mark = 0x1e

// AppendControl adds a control message, a text frame, whose JSON v is.
func AppendControl(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only of our own types
	}
	return appendMarked(dst, b)
}

func appendMarked(dst, p []byte) []byte {
	dst = AppendHeader(dst, byte(abi.Text), len(p)+1)
	return append(append(dst, Mark), p...)
}

// What positions are made of, and told by.
const (
	positionHead = `{"type":"position",`
	missedMember = `"missed":true,`
	skipTail     = `,"skip":true}`
)

// appendPosition adds the message that says where the next one stands. name is
// the room's as JSON. It is made for every message of a room, so not by the encoder.
func appendPosition(dst, name []byte, p Position, skip bool) []byte {
	return appendPlace(dst, positionHead, name, p, skip)
}

func appendPlace(dst []byte, head string, name []byte, p Position, skip bool) []byte {
	var b [512]byte
	s := append(b[:0], head...)
	s = append(s, `"room":`...)
	s = append(s, name...)
	s = append(s, `,"epoch":"`...)
	s = append(s, p.Epoch...)
	s = append(s, `","offset":`...)
	s = strconv.AppendUint(s, p.Offset, 10)
	if skip {
		return appendMarked(dst, append(s, skipTail...))
	}
	return appendMarked(dst, append(s, '}'))
}

// AppendEntry adds a message of a room's history as a member that speaks the
// subprotocol gets it, who missed it; skip: only its position.
func AppendEntry(dst []byte, room, epoch string, e Entry, skip bool) []byte {
	dst = appendPlace(dst, positionHead+missedMember, jsonName(room), Position{epoch, e.Offset}, skip)
	if skip {
		return dst
	}
	return AppendEscaped(dst, e.Frame)
}

// Role says what a frame is to a member that speaks the subprotocol. stays: it is a control
// message that the member waits for or can not do without, such as each of an answer. A position
// of what was just sent is none: where it is missing, the member sees a gap. leads: it is the
// position of the data that the next frame is, and is of no use without.
func Role(frame []byte) (stays, leads bool) {
	p, ok := marked(frame)
	if !ok || len(p) > 1 && p[1] == Mark {
		return false, false
	}
	rest, ok := bytes.CutPrefix(p[1:], []byte(positionHead))
	if !ok {
		return true, false
	}
	return bytes.HasPrefix(rest, []byte(missedMember)), !bytes.HasSuffix(rest, []byte(skipTail))
}

func jsonName(room string) []byte {
	b, err := json.Marshal(room)
	if err != nil {
		panic(err) // a string
	}
	return b
}

type placeMessage struct {
	Type   string  `json:"type"`
	Room   string  `json:"room"`
	Epoch  string  `json:"epoch,omitempty"`
	Offset *uint64 `json:"offset,omitempty"`
}

func joinedFrame(room string, p Position) []byte {
	return AppendControl(nil, placeMessage{"joined", room, p.Epoch, &p.Offset})
}

func leftFrame(room string) []byte { return AppendControl(nil, placeMessage{Type: "left", Room: room}) }

// AppendEscaped adds a frame as a member that speaks the subprotocol gets it:
// text that begins with Mark gets another one in front.
func AppendEscaped(dst, frame []byte) []byte {
	if p, ok := marked(frame); ok {
		return appendMarked(dst, p)
	}
	return append(dst, frame...)
}

// escaped is AppendEscaped that copies only what it has to.
func escaped(frame []byte) []byte {
	if p, ok := marked(frame); ok {
		return appendMarked(nil, p)
	}
	return frame
}

// marked gives the payload of a text frame that begins with Mark.
func marked(frame []byte) ([]byte, bool) {
	if len(frame) < 3 || frame[0]&0x0f != byte(abi.Text) {
		return nil, false
	}
	p := frame[headerLen(frame):]
	return p, len(p) > 0 && p[0] == Mark
}

// countMessages counts the frames in p that are not control messages.
func countMessages(p []byte) (n int) {
	for len(p) > 0 {
		size := FrameLen(p)
		if payload, ok := marked(p[:size]); !ok || !bytes.HasPrefix(payload, []byte{Mark, '{'}) {
			n++
		}
		p = p[size:]
	}
	return n
}
