package hub

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/frame/frametest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what is delivered to it.
type sink struct {
	mu    sync.Mutex
	got   []byte
	sizes []int // of the calls

	// With held set, the first Deliver closes entered. Every Deliver waits until
	// held is closed.
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

// newHeldSink returns a sink whose Deliver waits until release.
func newHeldSink() *sink { return &sink{entered: make(chan struct{}), held: make(chan struct{})} }

func (s *sink) release() { close(s.held) }

// calls returns how often Deliver was called.
func (s *sink) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sizes)
}

// texts returns the payloads of the frames delivered so far.
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

// sinkFunc is a sink that calls a function.
type sinkFunc func(p []byte)

func (f sinkFunc) Deliver(p []byte) { f(p) }

// text returns a text frame.
func text(format string, args ...any) []byte {
	return frame.Append(nil, abi.Text, fmt.Appendf(nil, format, args...))
}

var lastMemberID atomic.Uint64

// add adds a member to rooms. It has a sink of its own if s is nil.
func add(h *Hub, s Sink, rooms ...string) (*Member, *sink) {
	own, _ := s.(*sink)
	if s == nil {
		own = &sink{}
		s = own
	}
	return addMember(h, s, false, rooms), own
}

// addV1 adds a member that speaks azuhost.v1.
func addV1(h *Hub, rooms ...string) (*Member, *sink) {
	s := &sink{}
	return addMember(h, s, true, rooms), s
}

func addMember(h *Hub, s Sink, v1 bool, rooms []string) *Member {
	m := MakeMember(lastMemberID.Add(1), s, v1)
	h.Add(&m)
	for _, r := range rooms {
		h.Join(&m, r)
	}
	return &m
}

// until waits for a state that no event announces.
func until(cond func() bool) {
	for !cond() {
		runtime.Gosched()
	}
}

// waiters returns how many goroutines wait for the deliverer of a room.
func waiters(r *Room) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}

func wantTexts(t *testing.T, who string, s *sink, want ...string) {
	t.Helper()
	wantEqual(t, who, s.texts(t), want)
}

func wantEqual(t *testing.T, what string, got, want []string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
