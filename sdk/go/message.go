package azu

import "unsafe"

// Kind is the kind of a message.
type Kind int32

// Kinds of messages.
const (
	KindText   Kind = 1
	KindBinary Kind = 2
)

// Message is a message of a WebSocket, received or to be sent. A text is
// valid UTF-8; the host refuses to send another with [ErrInvalid].
type Message struct {
	Kind Kind
	Data []byte // not to be changed
}

// Text makes a text message of data, without a copy.
func Text[T ~string | ~[]byte](data T) Message { return Message{KindText, view(data)} }

// Binary makes a binary message of data, without a copy.
func Binary[T ~string | ~[]byte](data T) Message { return Message{KindBinary, view(data)} }

// IsText says whether m is a text message.
func (m Message) IsText() bool { return m.Kind == KindText }

// String is the data as a string, copied.
func (m Message) String() string { return string(m.Data) }

// Clone copies m, so that it can be kept when the hook has returned.
func (m Message) Clone() Message {
	return Message{m.Kind, append([]byte(nil), m.Data...)}
}

// text is the data as a string, without a copy.
func (m Message) text() string { return str(m.Data) }

// str is b as a string, without a copy: for arguments, which the host copies.
func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// view is data as bytes, without a copy: strings and slices both begin with
// the address of their bytes.
func view[T ~string | ~[]byte](data T) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&data)), len(data))
}
