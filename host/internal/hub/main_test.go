package hub

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/frame/frametest"
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
	for _, f := range frametest.Decode(t, s.got) {
		out = append(out, string(f.Payload))
	}
	return out
}

func text(format string, args ...any) []byte {
	return frame.Append(nil, abi.Text, fmt.Appendf(nil, format, args...))
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
