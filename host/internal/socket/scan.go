package socket

import (
	"encoding/binary"
	"fmt"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Limits on the frames of a client beside the size of a message. Many small
// fragments and many control frames cost the host work and carry nothing.
const (
	maxFragments         = 1024 // frames of one message
	maxControlsPerSecond = 60   // control frames, by the clock of the group
)

// violation says which rule a client has broken.
type violation struct {
	code   int // of the close frame
	reason string
	kind   Violation
}

func (v *violation) Error() string { return fmt.Sprintf("%d %s", v.code, v.reason) }

// scanner checks the bytes of a client before the library parses them. It tracks
// where frames begin and end. It finds what the library would accept, or would
// wait for without end.
type scanner struct {
	maxMessage int

	head   [14]byte // the longest header of a masked frame
	nhead  int      // bytes of the header that are here
	rest   int64    // bytes of the payload that are still to come
	final  bool     // the frame whose payload is being read is the last of its message
	data   bool     // it is a data frame
	inside bool     // between the first and the last frame of a message
	fresh  bool     // the incomplete frame or message, if there is one, began in the last scan

	size      int64 // payload of the message so far, as announced by headers
	fragments int   // frames of the message so far
	controls  int   // control frames since beginCycle reset it
}

// idle reports that neither a frame nor a message is incomplete.
func (s *scanner) idle() bool { return s.nhead == 0 && s.rest == 0 && !s.inside }

// scan checks p. On a violation it returns how many bytes before the offending
// frame are good.
func (s *scanner) scan(p []byte) (good int, v *violation) {
	at := 0
	s.fresh = false
	for at < len(p) {
		if s.idle() {
			s.fresh = true
		}
		if s.rest > 0 {
			n := min(s.rest, int64(len(p)-at))
			s.rest -= n
			at += int(n)
			if s.rest == 0 {
				s.endFrame()
			}
			continue
		}
		start := at
		for s.nhead < s.headerLen() && at < len(p) {
			s.head[s.nhead] = p[at]
			s.nhead++
			at++
		}
		if s.nhead >= 2 {
			if v := s.checkHeader(); v != nil {
				return start, v
			}
		}
		if s.nhead < s.headerLen() {
			return at, nil
		}
		if v := s.beginFrame(); v != nil {
			return start, v
		}
	}
	return at, nil
}

// headerLen returns the length of the header, as far as it is known.
func (s *scanner) headerLen() int {
	if s.nhead < 2 {
		return 2
	}
	n := 6 // with the mask, which checkHeader demands
	switch s.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	return n
}

// checkHeader checks the part of a header that is here, at least two bytes,
// against RFC 6455, section 5.2, and for control frames section 5.5.
func (s *scanner) checkHeader() *violation {
	b, n := s.head[0], s.head[1]&0x7f
	op := b & 0x0f
	switch {
	case b&0x70 != 0:
		return protocolError("reserved bits are set")
	case s.head[1]&0x80 == 0: // section 5.1
		return protocolError("frame is not masked")
	case op > frame.OpBinary && op < frame.OpClose || op > frame.OpPong:
		return protocolError("unknown opcode")
	case op >= frame.OpClose && b&0x80 == 0:
		return protocolError("control frame is fragmented")
	case op >= frame.OpClose && n > 125:
		return protocolError("control frame is too long")
	case op == frame.OpContinuation && !s.inside: // section 5.4
		return protocolError("continuation of nothing")
	case (op == frame.OpText || op == frame.OpBinary) && s.inside: // section 5.4
		return protocolError("message begins within another")
	case n == 127 && s.nhead >= 10 && s.head[2]&0x80 != 0: // the library would not wait for the mask
		return s.tooBig()
	case n == 126 && s.nhead >= 4 && binary.BigEndian.Uint16(s.head[2:]) < 126,
		n == 127 && s.nhead >= 10 && binary.BigEndian.Uint64(s.head[2:]) < 1<<16:
		return protocolError("length is not minimal")
	}
	return nil
}

func protocolError(reason string) *violation {
	return &violation{codeProtocol, reason, BrokeProtocol}
}

func (s *scanner) tooBig() *violation {
	return &violation{codeTooBig, fmt.Sprintf("message is larger than %d bytes", s.maxMessage), BrokeSize}
}

// beginFrame evaluates a complete header.
func (s *scanner) beginFrame() *violation {
	n := int64(s.head[1] & 0x7f)
	switch n {
	case 126:
		n = int64(binary.BigEndian.Uint16(s.head[2:]))
	case 127:
		n = int64(binary.BigEndian.Uint64(s.head[2:]))
	}
	op := s.head[0] & 0x0f
	s.nhead, s.rest = 0, n
	s.final, s.data = s.head[0]&0x80 != 0, op < frame.OpClose
	if !s.data {
		if s.controls++; s.controls > maxControlsPerSecond {
			return &violation{codePolicy, "too many control frames", BrokeControls}
		}
		return nil
	}
	if op != frame.OpContinuation {
		s.size, s.fragments = 0, 0
	}
	s.inside = true
	s.fragments++
	if n > int64(s.maxMessage)-s.size {
		return s.tooBig()
	}
	s.size += n
	if s.fragments > maxFragments {
		return &violation{codePolicy, "too many fragments", BrokeFragments}
	}
	if n == 0 {
		s.endFrame()
	}
	return nil
}

func (s *scanner) endFrame() {
	if s.data && s.final {
		s.inside = false
	}
}
