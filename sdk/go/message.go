package azu

import "unsafe"

// Kind is the kind of a message.
type Kind int32

// Kinds of messages.
const (
	KindText   Kind = 1
	KindBinary Kind = 2
)

// Message is a message of a WebSocket. A text message is valid UTF-8; functions that send return [ErrInvalid] for
// others.
type Message struct {
	Kind Kind
	Data []byte // must not be changed
}

// Text returns a text message with data, without a copy.
func Text[T ~string | ~[]byte](data T) Message { return Message{KindText, view(data)} }

// Binary returns a binary message with data, without a copy.
func Binary[T ~string | ~[]byte](data T) Message { return Message{KindBinary, view(data)} }

// IsText returns whether m is a text message.
func (m Message) IsText() bool { return m.Kind == KindText }

// String returns a copy of the data as a string.
func (m Message) String() string { return string(m.Data) }

// Clone returns a copy of m that is valid after the hook.
func (m Message) Clone() Message {
	return Message{m.Kind, append([]byte(nil), m.Data...)}
}

// text returns the data as a string, without a copy.
func (m Message) text() string { return str(m.Data) }

// str returns b as a string, without a copy. It is for arguments of host functions, which copy them.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// view returns data as bytes, without a copy. The values of strings and of slices both begin with the address of their
// bytes.
func view[T ~string | ~[]byte](data T) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&data)), len(data))
}
