package socket

import (
	"encoding/binary"
	"fmt"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Close codes that the host sends (RFC 6455, section 7.4.1).
const (
	codeNormal    = 1000
	codeGoingAway = 1001
	codeProtocol  = 1002
	codeNoStatus  = 1005
	codeAbnormal  = 1006
	codeNotUTF8   = 1007
	codePolicy    = 1008
	codeTooBig    = 1009
)

// Limits on what a client may send beside the size of a message. A message of
// many small fragments and a stream of control frames cost the host work and
// carry nothing.
const (
	maxFragments    = 1024 // frames of one message
	controlsPerTick = 60   // control frames between two ticks of the clock, a second at most
)

// violation is why a connection has to end.
type violation struct {
	code   int
	reason string
	kind   Violation
}

func (v *violation) Error() string { return fmt.Sprintf("%d %s", v.code, v.reason) }

// scanner watches the bytes that a client sends before the library parses
// them: it knows where frames begin and end, and finds what the library would
// accept, or wait for without end.
type scanner struct {
	maxMessage int

	head   [14]byte
	nhead  int   // bytes of the header that are here
	rest   int64 // bytes of the payload that are to come
	final  bool  // of the frame whose payload is read
	data   bool  // it is a data frame
	inside bool  // between the first and the last frame of a message
	fresh  bool  // what is half here began in the last scan

	size      int64 // payload of the message so far, announced
	fragments int
	controls  int // since the last tick
}

// idle says whether no message and no frame is half here.
func (s *scanner) idle() bool { return s.nhead == 0 && s.rest == 0 && !s.inside }

// scan goes over p. On a violation it returns how many bytes before it are good.
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
		for s.nhead < s.need() && at < len(p) {
			s.head[s.nhead] = p[at]
			s.nhead++
			at++
		}
		if s.nhead >= 2 {
			if v := s.checkStart(); v != nil {
				return start, v
			}
		}
		if s.nhead < s.need() {
			return at, nil
		}
		if v := s.beginFrame(); v != nil {
			return start, v
		}
	}
	return at, nil
}

// need is the length of the header, as far as it is known.
func (s *scanner) need() int {
	if s.nhead < 2 {
		return 2
	}
	n := 6 // with the mask, which checkStart asks for
	switch s.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	return n
}

// checkStart checks what is here of a header: the two bytes that every one
// begins with, and a long length.
func (s *scanner) checkStart() *violation {
	b, n := s.head[0], s.head[1]&0x7f
	op := b & 0x0f
	switch {
	case b&0x70 != 0:
		return &violation{codeProtocol, "reserved bits are set", BrokeProtocol}
	case s.head[1]&0x80 == 0:
		return &violation{codeProtocol, "frame is not masked", BrokeProtocol}
	case op > frame.OpBinary && op < frame.OpClose || op > frame.OpPong:
		return &violation{codeProtocol, "unknown opcode", BrokeProtocol}
	case op >= frame.OpClose && b&0x80 == 0:
		return &violation{codeProtocol, "control frame is fragmented", BrokeProtocol}
	case op >= frame.OpClose && n > 125:
		return &violation{codeProtocol, "control frame is too long", BrokeProtocol}
	case op == frame.OpContinuation && !s.inside:
		return &violation{codeProtocol, "continuation of nothing", BrokeProtocol}
	case (op == frame.OpText || op == frame.OpBinary) && s.inside:
		return &violation{codeProtocol, "message begins within another", BrokeProtocol}
	case n == 127 && s.nhead >= 10 && s.head[2]&0x80 != 0: // the library would not wait for the mask
		return s.tooBig()
	case n == 126 && s.nhead >= 4 && binary.BigEndian.Uint16(s.head[2:]) < 126,
		n == 127 && s.nhead >= 10 && binary.BigEndian.Uint64(s.head[2:]) < 1<<16:
		return &violation{codeProtocol, "length is not minimal", BrokeProtocol}
	}
	return nil
}

func (s *scanner) tooBig() *violation {
	return &violation{codeTooBig, fmt.Sprintf("message is larger than %d bytes", s.maxMessage), BrokeSize}
}

// beginFrame takes a header that is whole.
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
		if s.controls++; s.controls > controlsPerTick {
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
