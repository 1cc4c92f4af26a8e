package broker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
)

// batch is what one publication carries.
type batch struct {
	first    Position // of the first message
	node     string
	seq      uint64 // of the first message, among those of the node in the topic
	messages []Message
}

var errFormat = errors.New("broker: a message that this version can not read")

// Flags of a message.
const (
	flagClose = 1 << iota
	flagAck
)

// maxBatch bounds the messages of a batch that is read.
const maxParsedMessages = 1 << 16

// appendBody writes what the script does not make: node, seq, messages.
func appendBody(dst []byte, node string, seq uint64, messages []outgoing) []byte {
	dst = appendBytes(dst, []byte(node))
	dst = binary.AppendUvarint(dst, seq)
	dst = binary.AppendUvarint(dst, uint64(len(messages)))
	for i := range messages {
		dst = appendMessage(dst, &messages[i].Message)
	}
	return dst
}

func appendMessage(dst []byte, m *Message) []byte {
	flags, p := byte(0), m.Frame
	if m.Close != nil {
		flags |= flagClose
		p, _ = json.Marshal(m.Close) // numbers and text
	}
	if m.ackID != 0 {
		flags |= flagAck
	}
	dst = append(dst, flags)
	if m.ackID != 0 {
		dst = binary.AppendUvarint(dst, m.ackID)
	}
	dst = binary.AppendUvarint(dst, m.Except)
	return appendBytes(dst, p)
}

func appendBytes(dst, p []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(p))), p...)
}

// wire reads what the functions above have written.
type wireReader struct {
	rest    []byte
	invalid bool
}

func (w *wireReader) uvarint() uint64 {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		w.invalid, w.rest = true, nil
		return 0
	}
	w.rest = w.rest[n:]
	return v
}

func (w *wireReader) byte() byte {
	if len(w.rest) == 0 {
		w.invalid = true
		return 0
	}
	b := w.rest[0]
	w.rest = w.rest[1:]
	return b
}

func (w *wireReader) bytes() []byte {
	n := w.uvarint()
	if n > uint64(len(w.rest)) {
		w.invalid, w.rest = true, nil
		return nil
	}
	b := w.rest[:n:n]
	w.rest = w.rest[n:]
	return b
}

func (w *wireReader) message(node string) (m Message) {
	flags := w.byte()
	if flags&flagAck != 0 {
		m.ackID = w.uvarint()
	}
	m.Except, m.Node = w.uvarint(), node
	p := w.bytes()
	if flags&flagClose == 0 {
		m.Frame = p
		if !w.invalid && !isFrame(p) {
			w.invalid = true
		}
		return m
	}
	m.Close = &Close{}
	if json.Unmarshal(p, m.Close) != nil {
		w.invalid = true
	}
	return m
}

// wholeFrame says whether p is one frame as the hub makes them: what a foreign
// hand writes to Redis must not become a broken stream of bytes for clients.
func isFrame(p []byte) bool {
	if len(p) < 2 || p[0] != 0x81 && p[0] != 0x82 {
		return false
	}
	switch n := uint64(p[1]); {
	case n < 126:
		return uint64(len(p)) == 2+n
	case n == 126:
		return len(p) >= 4 && len(p) == 4+int(binary.BigEndian.Uint16(p[2:]))
	case n == 127:
		return len(p) >= 10 && uint64(len(p))-10 == binary.BigEndian.Uint64(p[2:])
	}
	return false
}

// parseBatch reads a publication: EPOCH \n OFFSET \n and a body.
func parseBatch(p []byte) (b batch, err error) {
	epoch, rest, ok := bytes.Cut(p, []byte{'\n'})
	offset, body, ok2 := bytes.Cut(rest, []byte{'\n'})
	if !ok || !ok2 || len(epoch) == 0 || len(epoch) > 64 {
		return b, errFormat
	}
	b.first.Epoch = string(epoch)
	if b.first.Offset, err = strconv.ParseUint(string(offset), 10, 63); err != nil || b.first.Offset == 0 {
		return b, errFormat
	}
	w := wireReader{rest: body}
	b.node, b.seq = string(w.bytes()), w.uvarint()
	n := w.uvarint()
	if n == 0 || n > maxParsedMessages || n > uint64(len(w.rest)) {
		return b, errFormat
	}
	b.messages = make([]Message, n)
	for i := range b.messages {
		b.messages[i] = w.message(b.node)
	}
	if w.invalid || len(w.rest) > 0 {
		return b, errFormat
	}
	return b, nil
}
