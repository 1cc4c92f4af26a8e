package broker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
)

// batch is the content of one publication. Nodes of other versions read it, so its form is fixed:
//
//	EPOCH \n OFFSET \n body
//
// publishScript writes epoch and offset, appendBody writes the body.
type batch struct {
	first    Position // of the first message
	node     string
	seq      uint64 // sequence number of the first message
	messages []Message
}

var errFormat = errors.New("broker: unreadable message")

// Flags of a message.
const (
	flagClose = 1 << iota // the payload is a Close in JSON, not a frame
	flagAck               // the number of the acknowledgements follows
)

// maxParsedMessages limits the messages of a batch that is read.
const maxParsedMessages = 1 << 16

// appendBody appends node, sequence number, count and messages. Byte strings have their length
// first; numbers are unsigned varints.
func appendBody(dst []byte, node string, seq uint64, messages []outgoing) []byte {
	dst = appendBytes(dst, []byte(node))
	dst = binary.AppendUvarint(dst, seq)
	dst = binary.AppendUvarint(dst, uint64(len(messages)))
	for i := range messages {
		dst = appendMessage(dst, &messages[i].Message)
	}
	return dst
}

// appendMessage appends flags, the number of the acknowledgements if there is one, the excepted
// connection and the payload.
func appendMessage(dst []byte, m *Message) []byte {
	flags, p := byte(0), m.Frame
	if m.Close != nil {
		flags |= flagClose
		p, _ = json.Marshal(m.Close) // it always encodes
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

// wireReader reads what the append functions write. After an error it returns zero values.
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

// isFrame reports whether p is one unmasked WebSocket data frame, as the hub makes them (RFC 6455,
// section 5.2). Anything else that was written to Redis would break the byte streams of clients.
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

// parseBatch parses a publication.
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
