package plugin

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
)

// observed is an Observer that records the hooks and their results.
type observed struct{ hooks chan string }

func newObserved() *observed { return &observed{hooks: make(chan string, 100)} }

func (o *observed) HookDone(h abi.Hook, d time.Duration, err error) {
	var f *Fault
	switch {
	case d <= 0:
		o.hooks <- h.String() + " took no time"
	case errors.As(err, &f):
		o.hooks <- h.String() + " " + string(f.Reason)
	case err != nil:
		o.hooks <- h.String() + " error"
	default:
		o.hooks <- h.String()
	}
}

// faultTests are messages for the guest faults, with the reason and a part of the text of the fault.
var faultTests = []struct {
	message string
	reason  FaultReason
	text    string
}{
	{"u", Trap, "unreachable"},
	{"o", Trap, "out of bounds memory access"},
	{"d", Trap, "integer divide by zero"},
	{"i", Trap, "invalid table access"},
	{"a", Trap, `abort: oh! at a.ts:12:5`},
	{"p", Trap, "out of bounds: 2 bytes at 4294967295, in a memory of 196608"},
	{"x", Exited, "exit with code 3"},
	{"r", StackOverflow, "stack overflow"},
	{"h", Panicked, "the clock is broken"},
	{"s", TimedOut, "the deadline passed"},
}

func TestFaults(t *testing.T) {
	for _, m := range []Metering{Off, Deadline, Fuel} {
		t.Run(string(m), func(t *testing.T) {
			o := newObserved()
			p := newPlugin(t, Options{Metering: m, Observer: o, Deadline: 2 * time.Second}, guest(t, "faults"))
			if n := p.Stats().Instances; n != 1 {
				t.Fatalf("%d instances after Load, want 1", n)
			}
			<-o.hooks // on_load
			for _, test := range faultTests {
				if test.reason == TimedOut {
					p.options.Deadline = 20 * time.Millisecond
				}
				env := &fakeEnv{panics: true}
				f := wantFault(t, message(p, env, test.message), test.reason)
				if f.Hook != abi.OnMessage || !strings.Contains(f.Error(), test.text) {
					t.Errorf("%s: got %v, want %q in it", test.message, f, test.text)
				}
				if test.reason != StackOverflow && !strings.Contains(f.Error(), "wasm stack trace:\n") {
					t.Errorf("%s: there is no stack trace of the guest in %v", test.message, f)
				}
				if env.committed != 0 {
					t.Errorf("%s: the effects of a failed hook were committed", test.message)
				}
				if len(env.calls) == 0 || env.calls[0] != `Send 7 text "x"` {
					t.Errorf("%s: the hook did not reach its Send: %s", test.message, env.log())
				}
				if got, want := <-o.hooks, "on_message "+string(test.reason); got != want {
					t.Errorf("%s: the observer received %q, want %q", test.message, got, want)
				}
				checkNextInstance(t, p, o, test.message)
			}
		})
	}
}

// checkNextInstance requires that a fault has closed the instance of p, and that the next event gets a new one.
func checkNextInstance(t *testing.T, p *Plugin, o *observed, name string) {
	t.Helper()
	if s := p.Stats(); s.Instances != 0 || s.MemoryBytes != 0 {
		t.Errorf("%s: the instance is not closed: %+v", name, s)
	}
	var he *HookError
	if err := message(p, &fakeEnv{}, "c"); !errors.As(err, &he) || he.Code != 1 {
		t.Errorf("%s: afterwards got %v, want the first call of a new instance", name, err)
	}
	<-o.hooks // on_load
	<-o.hooks
	if n := p.Stats().Instances; n != 1 {
		t.Errorf("%s: afterwards there are %d instances, want 1", name, n)
	}
}

// TestFaultTextIsBounded: each fault goes to the log, so its text has a limit.
func TestFaultTextIsBounded(t *testing.T) {
	cause := errors.New("wasm error: unreachable\n" + strings.Repeat("é", 1<<20))
	f := &Fault{Hook: abi.OnMessage, Reason: Trap, Err: cause}
	text := f.Error()
	if len(text) > maxFaultText+100 || !utf8.ValidString(text) {
		t.Errorf("%d bytes, valid UTF-8: %t", len(text), utf8.ValidString(text))
	}
	if !strings.HasPrefix(text, "on_message: trap: wasm error: unreachable\né") ||
		!strings.HasSuffix(text, " … (2088984 bytes more)") {
		t.Errorf("got %.60q … %q", text, text[len(text)-40:])
	}
}

// TestLongNamesInFaults: the guest chooses the names of its functions, so they are cut with every metering.
func TestLongNamesInFaults(t *testing.T) {
	long := strings.Repeat("n", 1<<20)
	m := goodModule()
	m.body("on_message", []byte{0x00, 0x41, 0}) // unreachable
	functions := slices.Concat([]byte{1}, leb(1), str(long))
	names := slices.Concat(str("name"), []byte{0}, leb(len(str(long))), str(long),
		[]byte{1}, leb(len(functions)), functions)
	m.extra = slices.Concat([]byte{0}, leb(len(names)), names)
	for _, metering := range []Metering{Off, Deadline, Fuel} {
		p := newPlugin(t, Options{Metering: metering}, m.encode())
		f := wantFault(t, message(p, &fakeEnv{}, "x"), Trap)
		if n := len(f.Err.Error()); n > 2<<10 || !strings.Contains(f.Error(), "nnn.nnn") {
			t.Errorf("%s: a fault of one function has %d bytes", metering, n)
		}
	}
	info, err := Inspect(t.Context(), m.encode())
	if err != nil || info.Problem != "" {
		t.Error(info, err)
	}
}

func TestEndlessLoopIsStopped(t *testing.T) {
	for _, m := range []Metering{Deadline, Fuel} {
		p := newPlugin(t, Options{Metering: m, Deadline: 20 * time.Millisecond}, guest(t, "faults"))
		for range 3 {
			env := &fakeEnv{}
			wantFault(t, message(p, env, "l"), TimedOut)
			if env.committed != 0 {
				t.Error("committed")
			}
			if err := message(p, env, "."); err != nil {
				t.Fatalf("after a loop: %v", err)
			}
		}
	}
}

func TestHookErrors(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "faults"))
	tests := []struct {
		hook    abi.Hook
		message string
		want    HookError
		text    string
	}{
		{abi.OnMessage, "e", HookError{abi.OnMessage, 7, ""}, "on_message returned 7"},
		{abi.OnMessage, "f", HookError{abi.OnMessage, int32(abi.Failed), "no luck"}, "on_message failed with -8: no luck"},
		{abi.OnMessage, "F", HookError{abi.OnMessage, 0, "no luck"}, "on_message failed with 0: no luck"},
		{abi.OnConnect, "/", HookError{abi.OnConnect, 401, ""}, "on_connect returned 401"},
	}
	for _, test := range tests {
		env := &fakeEnv{}
		err := p.Run(t.Context(), &Event{Hook: test.hook, Conn: 7, Data: []byte(test.message), Arg: 1}, env)
		var he *HookError
		if !errors.As(err, &he) || *he != test.want || err.Error() != test.text {
			t.Errorf("%s: got %#v (%v), want %#v", test.message, err, err, test.want)
		}
		if env.committed != 0 {
			t.Errorf("%s: committed", test.message)
		}
	}
	// All of these ran on one instance, and a failure does not affect later hooks.
	var he *HookError
	if err := message(p, &fakeEnv{}, "c"); !errors.As(err, &he) || he.Code != 4 || he.Text != "" {
		t.Errorf("got %v, want the fourth call of one instance", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	p := newPlugin(t, Options{MemoryLimit: 1 << 20}, guest(t, "faults"))
	var he *HookError
	if err := message(p, &fakeEnv{}, "g"); !errors.As(err, &he) || he.Code != -1 {
		t.Errorf("memory.grow by 1 GiB: %v, want -1", err)
	}
	before := p.Stats().MemoryBytes
	if before != 3*wasmPage {
		t.Errorf("the memory has %d bytes, want 3 pages", before)
	}
	for range 20 { // 13 pages are left
		if err := message(p, &fakeEnv{}, "G"); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Stats().MemoryBytes; got != 1<<20 {
		t.Errorf("the memory has %d bytes, want the limit", got)
	}
	small := newPlugin(t, Options{MemoryLimit: 2 * wasmPage}, nil)
	_, err := small.Load(t.Context(), guest(t, "faults"))
	if err == nil || !strings.Contains(err.Error(), "raise limits.memory") {
		t.Errorf("a module of 3 pages under a limit of 2: %v", err)
	}
}

func TestReserveFailsCleanly(t *testing.T) {
	alloc := &allocator{limit: 1 << 62}
	m := &instanceMemory{alloc: alloc}
	defer func() {
		if recover() == nil {
			t.Error("2^62 bytes of address space were reserved")
		}
		if alloc.regions.Load() != 0 {
			t.Error("the failure counts as a region")
		}
	}()
	m.Allocate(0, 1<<62)
}

func TestRegionIsFreedOnce(t *testing.T) {
	alloc := &allocator{limit: 1 << 20}
	m := &instanceMemory{alloc: alloc}
	r := m.Allocate(0, 1<<30)
	b := r.Reallocate(wasmPage)
	if len(b) != wasmPage {
		t.Fatalf("got %d bytes", len(b))
	}
	b[0], b[wasmPage-1] = 1, 2
	if b = r.Reallocate(1 << 20); len(b) != 1<<20 || b[0] != 1 || b[wasmPage-1] != 2 {
		t.Fatal("growing lost what was there")
	}
	if r.Reallocate(1<<20+1) != nil {
		t.Error("grew beyond the limit")
	}
	r.Free()
	r.Free()
	m.free()
	if alloc.regions.Load() != 0 || alloc.bytes.Load() != 0 {
		t.Errorf("regions %d, bytes %d", alloc.regions.Load(), alloc.bytes.Load())
	}
	if r.Reallocate(1) != nil {
		t.Error("a freed region grows")
	}
	empty := m.Allocate(0, 0)
	if b := empty.Reallocate(0); b == nil || len(b) != 0 {
		t.Errorf("an empty memory is %v", b)
	}
	empty.Free()
}

// TestDeadlineAtTheEnd has deadlines pass just when hooks end: each event is either committed or a fault, and all
// memory is freed.
func TestDeadlineAtTheEnd(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode, Deadline: 2 * time.Microsecond}, guest(t, "bounce"))
		var late atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 500 {
					env := &fakeEnv{}
					err := message(p, env, "x")
					if err != nil {
						late.Add(1)
						if f, ok := err.(*Fault); !ok || f.Reason != TimedOut {
							t.Errorf("got %v", err)
						}
					}
					if (err == nil) != (env.committed == 1) {
						t.Errorf("%v, and committed %d", err, env.committed)
					}
				}
			})
		}
		wg.Wait()
		if n := p.alloc.regions.Load(); n > int64(p.pool.size) {
			t.Errorf("%s: %d memories", mode, n)
		}
		t.Logf("%s: %d of 2000 were late", mode, late.Load())
	}
}
