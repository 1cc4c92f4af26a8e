package hub

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host/abi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what it gets.
type sink struct {
	mu    sync.Mutex
	got   []byte
	sizes []int // of the calls

	// When held is set, Deliver says so on entered, once, and waits for it.
	entered chan struct{}
	held    chan struct{}
	once    sync.Once
}

func (s *sink) Deliver(p []byte) {
	if s.held != nil {
		s.once.Do(func() { close(s.entered) })
		<-s.held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, p...)
	s.sizes = append(s.sizes, len(p))
}

// hold makes a sink that waits in Deliver until release.
func hold() *sink { return &sink{entered: make(chan struct{}), held: make(chan struct{})} }

func (s *sink) release() { close(s.held) }

func (s *sink) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sizes)
}

// texts decodes what came, as strictly as a client.
func (s *sink) texts(t testing.TB) []string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, f := range decode(t, s.got) {
		out = append(out, string(f.payload))
	}
	return out
}

type decoded struct {
	opcode  byte
	payload []byte
}

// decode is a reading of RFC 6455, section 5.2, of its own.
func decode(t testing.TB, b []byte) (out []decoded) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(b))
	for {
		var h [2]byte
		if _, err := io.ReadFull(r, h[:]); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("a header is cut off: %v", err)
		}
		if h[0]&0xf0 != 0x80 || h[1]&0x80 != 0 {
			t.Fatalf("header % x: not final, reserved bits, or masked", h)
		}
		var n uint64
		read := func(v any, least uint64) {
			if err := binary.Read(r, binary.BigEndian, v); err != nil {
				t.Fatalf("a length is cut off: %v", err)
			}
			switch v := v.(type) {
			case *uint16:
				n = uint64(*v)
			case *uint64:
				n = *v
			}
			if n < least {
				t.Fatalf("length %d has a shorter form", n)
			}
		}
		switch n = uint64(h[1]); n {
		case 126:
			read(new(uint16), 126)
		case 127:
			read(new(uint64), 1<<16)
		}
		p := make([]byte, n)
		if _, err := io.ReadFull(r, p); err != nil {
			t.Fatalf("a payload is cut off: %v", err)
		}
		out = append(out, decoded{h[0] & 0x0f, p})
	}
}

func text(format string, args ...any) []byte {
	return AppendFrame(nil, abi.Text, fmt.Appendf(nil, format, args...))
}

var memberID = struct {
	sync.Mutex
	n uint64
}{}

// add makes a member, with a sink of its own if s is nil, in some rooms.
func add(t testing.TB, h *Hub, s Sink, rooms ...string) (*Member, *sink) {
	t.Helper()
	own, _ := s.(*sink)
	if s == nil {
		own = &sink{}
		s = own
	}
	memberID.Lock()
	memberID.n++
	m := MakeMember(memberID.n, s, false)
	memberID.Unlock()
	h.Add(&m)
	for _, r := range rooms {
		if err := h.Join(&m, r); err != nil {
			t.Fatal(err)
		}
	}
	return &m, own
}

// until waits for a state that nothing announces.
func until(cond func() bool) {
	for !cond() {
		runtime.Gosched()
	}
}

func waiters(r *Room) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}
