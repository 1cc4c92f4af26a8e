package plugin

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// TestWASIIsComplete compares the table of WASI functions with the implementation of wazero.
func TestWASIIsComplete(t *testing.T) {
	rt := wazero.NewRuntime(t.Context())
	defer rt.Close(t.Context())
	m, err := wasi_snapshot_preview1.NewBuilder(rt).Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	theirs := m.ExportedFunctions()
	for name, f := range theirs {
		def, ok := wasiFuncs[name]
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		params, results := def.signature(name)
		if !slices.Equal(params, f.ParamTypes()) || !slices.Equal(results, f.ResultTypes()) {
			t.Errorf("%s has the signature %s, want %s", name,
				signature(params, results), signature(f.ParamTypes(), f.ResultTypes()))
		}
	}
	if len(theirs) != len(wasiFuncs) {
		t.Errorf("%d functions, want %d", len(wasiFuncs), len(theirs))
	}
}

// wasiGuest has the memory and the callContext for calls of WASI functions.
type wasiGuest struct {
	t    *testing.T
	call *callContext
	mem  api.Memory
}

func newWASIGuest(t *testing.T, o Options) *wasiGuest {
	p := newPlugin(t, o, guest(t, "faults"))
	v, inst, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	due := inst.watchdog.begin(time.Hour)
	t.Cleanup(func() { inst.watchdog.end(due); p.release(v, inst) })
	return &wasiGuest{t, &inst.call, inst.call.mem}
}

func (g *wasiGuest) errno(name string, args ...uint64) uint64 {
	g.t.Helper()
	return wasiFuncs[name].fn(g.call, g.mem, append(args, make([]uint64, 9)...))
}

func (g *wasiGuest) ok(name string, args ...uint64) {
	g.t.Helper()
	if errno := g.errno(name, args...); errno != wasiOK {
		g.t.Errorf("%s%v: errno %d", name, args, errno)
	}
}

func (g *wasiGuest) u64(ptr uint32) uint64 {
	v, _ := g.mem.ReadUint64Le(ptr)
	return v
}

func TestWASIClocksAndRandom(t *testing.T) {
	g := newWASIGuest(t, Options{})
	g.ok("clock_time_get", wasiRealtime, 0, 0)
	if d := time.Since(time.Unix(0, int64(g.u64(0)))); d < 0 || d > time.Minute {
		t.Errorf("the clock is %s off", d)
	}
	g.ok("clock_time_get", wasiMonotonic, 0, 0)
	first := g.u64(0)
	g.ok("clock_time_get", wasiMonotonic, 0, 0)
	if second := g.u64(0); first == 0 || second < first {
		t.Errorf("monotonic: %d, then %d", first, second)
	}
	g.ok("clock_res_get", wasiMonotonic, 0)
	if g.u64(0) == 0 {
		t.Error("no resolution")
	}
	if g.errno("clock_time_get", 2, 0, 0) != wasiInval || g.errno("clock_res_get", 7, 0) != wasiInval {
		t.Error("an unknown clock has a time")
	}
	g.ok("random_get", 1000, 64)
	a, _ := g.mem.Read(1000, 64)
	a = slices.Clone(a)
	g.ok("random_get", 1000, 64)
	if b, _ := g.mem.Read(1000, 64); bytes.Equal(a, b) || bytes.Equal(b, make([]byte, 64)) {
		t.Error("not random")
	}
	g.ok("random_get", 5, 3*wasmPage-5) // more than one part
}

// TestWASIHasNoFiles: there are only the three standard streams, and no arguments or environment variables.
func TestWASIHasNoFiles(t *testing.T) {
	g := newWASIGuest(t, Options{})
	for name, def := range wasiFuncs {
		switch {
		case strings.HasPrefix(name, "path_"), strings.HasPrefix(name, "sock_"):
			if errno := g.errno(name); errno != wasiBadf {
				t.Errorf("%s: errno %d", name, errno)
			}
		case strings.HasPrefix(name, "fd_"):
			args := make([]uint64, len(def.params))
			args[0] = 3 // the first file after the standard streams
			if errno := g.errno(name, args...); errno != wasiBadf {
				t.Errorf("%s of file 3: errno %d", name, errno)
			}
		}
	}
	for _, name := range []string{"args_sizes_get", "environ_sizes_get"} {
		g.mem.WriteUint64Le(0, 1<<64-1)
		g.ok(name, 0, 4)
		if g.u64(0) != 0 {
			t.Errorf("%s: %x", name, g.u64(0))
		}
	}
	g.mem.WriteUint64Le(0, 1<<64-1)
	g.ok("fd_read", 0, 0, 1, 0)
	if g.u64(0)&0xffffffff != 0 {
		t.Error("standard input is not empty")
	}
	for fd, right := range []byte{wasiRightRead, wasiRightWrite, wasiRightWrite} {
		g.ok("fd_fdstat_get", uint64(fd), 0)
		if b, _ := g.mem.Read(0, 24); b[0] != wasiCharacterDevice || b[8] != right {
			t.Errorf("stat of %d: %x", fd, b)
		}
	}
	g.ok("fd_filestat_get", 1, 0)
	g.ok("fd_close", 2)
	if g.errno("fd_seek", 1) != wasiSpipe {
		t.Error("standard output is seekable")
	}
}

// TestWASIPointers: a pointer outside of memory returns EFAULT.
func TestWASIPointers(t *testing.T) {
	g := newWASIGuest(t, Options{})
	const far = 0xffffffff
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"args_sizes_get", []uint64{far, 0}}, {"args_sizes_get", []uint64{0, far}},
		{"clock_res_get", []uint64{0, far}}, {"clock_time_get", []uint64{0, 0, far - 7}},
		{"random_get", []uint64{far, 1}}, {"random_get", []uint64{16, far}},
		{"fd_write", []uint64{1, far, 1, 0}}, {"fd_write", []uint64{1, 0, 0, far}},
		{"fd_read", []uint64{0, 0, 0, far}},
		{"fd_fdstat_get", []uint64{0, far}}, {"fd_filestat_get", []uint64{0, far}},
		{"poll_oneoff", []uint64{far, 0, 1, 0}}, {"poll_oneoff", []uint64{0, far, 1, 0}},
		{"poll_oneoff", []uint64{0, 1000, 1, far}},
	} {
		if errno := g.errno(c.name, c.args...); errno != wasiFault {
			t.Errorf("%s%v: errno %d", c.name, c.args, errno)
		}
	}
	g.mem.Write(0, binary.LittleEndian.AppendUint64(nil, far|8<<32)) // an iovec that points outside
	if errno := g.errno("fd_write", 1, 0, 1, 16); errno != wasiFault {
		t.Errorf("fd_write: errno %d", errno)
	}
	if errno := g.errno("poll_oneoff", 0, 0, 0x05555556, 0); errno != wasiInval { // times 48 wraps
		t.Errorf("poll_oneoff: errno %d", errno)
	}
}

// subscription returns a subscription for poll_oneoff.
func subscription(user uint64, kind byte, id uint32, timeout uint64, flags uint16) []byte {
	b := make([]byte, wasiSubscription)
	binary.LittleEndian.PutUint64(b, user)
	b[8] = kind
	binary.LittleEndian.PutUint32(b[16:], id)
	binary.LittleEndian.PutUint64(b[24:], timeout)
	binary.LittleEndian.PutUint16(b[40:], flags)
	return b
}

// pollGuest is a guest that calls poll_oneoff: the subscriptions are at address 0, the events at 1024, and the number
// of events is at 4096.
type pollGuest struct{ *wasiGuest }

// poll returns the first byte of the user data of each event, and the time of the call.
func (g *pollGuest) poll(subs ...[]byte) (users string, took time.Duration) {
	g.t.Helper()
	g.mem.Write(0, slices.Concat(subs...))
	begun := time.Now()
	g.ok("poll_oneoff", 0, 1024, uint64(len(subs)), 4096)
	took = time.Since(begun)
	n, _ := g.mem.ReadUint32Le(4096)
	for i := range n {
		b, _ := g.mem.ReadByte(1024 + i*wasiEvent)
		users += string(rune(b))
	}
	return users, took
}

func TestWASIPollClocks(t *testing.T) {
	g := &pollGuest{newWASIGuest(t, Options{Metering: Off, Deadline: time.Minute})}
	const ms, hour = uint64(time.Millisecond), uint64(time.Hour)
	users, took := g.poll(subscription(1, wasiEventClock, 1, 5*ms, 0))
	if users != "\x01" || took < 5*time.Millisecond {
		t.Errorf("relative time: %q after %s", users, took)
	}
	users, took = g.poll(subscription(1, wasiEventClock, 1, hour, 0), subscription(2, wasiEventClock, 1, 5*ms, 0))
	if users != "\x02" || took < 5*time.Millisecond {
		t.Errorf("the shorter of two times: %q after %s", users, took)
	}
	epoch := g.call.watchdog.epoch
	until := uint64(time.Since(epoch)) + 5*ms
	users, _ = g.poll(subscription(3, wasiEventClock, wasiMonotonic, until, wasiAbsolute))
	if users != "\x03" || uint64(time.Since(epoch)) < until {
		t.Errorf("absolute time: %q", users)
	}
	if users, _ := g.poll(subscription(3, wasiEventClock, wasiRealtime, 5, wasiAbsolute)); users != "\x03" {
		t.Errorf("a time in the past: %q", users)
	}
	g.mem.Write(0, subscription(1, wasiEventClock, 5, 1, wasiAbsolute))
	if g.errno("poll_oneoff", 0, 1024, 1, 4096) != wasiInval {
		t.Error("an unknown clock is accepted")
	}
}

func TestWASIPollStreams(t *testing.T) {
	g := &pollGuest{newWASIGuest(t, Options{Metering: Off, Deadline: time.Minute})}
	users, _ := g.poll(
		subscription(4, wasiEventClock, 1, uint64(time.Hour), 0),
		subscription(5, wasiEventFdWrite, 1, 0, 0),
		subscription(6, wasiEventFdRead, 9, 0, 0))
	if users != "\x05\x06" {
		t.Errorf("streams are ready: %q", users)
	}
	if errno, _ := g.mem.ReadByte(1024 + wasiEvent + 8); errno != wasiBadf {
		t.Errorf("file 9: errno %d", errno)
	}
	g.mem.Write(0, subscription(1, 9, 0, 0, 0))
	if g.errno("poll_oneoff", 0, 1024, 1, 4096) != wasiInval {
		t.Error("an unknown type of subscription is accepted")
	}
	if g.errno("poll_oneoff", 0, 1024, 0, 4096) != wasiInval {
		t.Error("a call without subscriptions is accepted")
	}
}

// TestSleepIsBounded: the sleeps of one hook together are limited, with metering and without.
func TestSleepIsBounded(t *testing.T) {
	for _, m := range []Metering{Off, Deadline} {
		p := newPlugin(t, Options{Metering: m, Deadline: 30 * time.Millisecond}, guest(t, "faults"))
		begun := time.Now()
		wantFault(t, message(p, &fakeEnv{}, "s"), TimedOut)
		if took := time.Since(begun); took < 20*time.Millisecond || took > 5*time.Second {
			t.Errorf("%s: a sleep of 10 s took %s", m, took)
		}
	}
}

func TestGuestOutputIsLogged(t *testing.T) {
	var out bytes.Buffer
	p := newPlugin(t, Options{Log: textLog(&out)}, guest(t, "faults"))
	print := func(text, want string) {
		t.Helper()
		out.Reset()
		if err := message(p, &fakeEnv{}, text); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%q: got %q, want %q", text, out.String(), want)
		}
	}
	print("1hello\n", "level=INFO msg=hello source=guest stream=stdout\n")
	print("2oops\n\n", "level=WARN msg=oops source=guest stream=stderr\n")
	print("1half ", "")
	print("1a line\r\n", "level=INFO msg=\"half a line\" source=guest stream=stdout\n")
	print("1\x1b[31m\xff\u200e\n", `level=INFO msg=\x1b[31m\xff\u200e source=guest stream=stdout`+"\n")
	long := strings.Repeat("x", maxGuestLine+1)
	print("1"+long+"\n", "level=INFO msg="+long[1:]+" source=guest stream=stdout\n"+
		"level=INFO msg=x source=guest stream=stdout\n")

	// An incomplete line is logged when the guest traps.
	print("2last words", "")
	wantFault(t, message(p, &fakeEnv{}, "u"), Trap)
	if !strings.Contains(out.String(), `msg="last words"`) {
		t.Errorf("got %q", out.String())
	}
}

func TestGuestOutputIsBounded(t *testing.T) {
	var out bytes.Buffer
	p := newPlugin(t, Options{Log: textLog(&out)}, guest(t, "faults"))
	if err := message(p, &fakeEnv{}, "1"+strings.Repeat("a\n", 5000)); err != nil {
		t.Fatal(err)
	}
	p.guestLog.reportDropped(p.log)
	lines := strings.Count(out.String(), "msg=a ")
	if lines < maxGuestRate || lines >= 5000 || !strings.Contains(out.String(), "guest lines dropped") {
		t.Errorf("%d lines of 5000; %.200s", lines, out.String()[max(0, out.Len()-200):])
	}
}

// TestLongWrites: a write that is too long for one call is cut, as WASI allows.
func TestLongWrites(t *testing.T) {
	g := newWASIGuest(t, Options{})
	vec := binary.LittleEndian.AppendUint32(nil, 0)
	vec = binary.LittleEndian.AppendUint32(vec, 3*wasmPage)
	g.mem.Write(0, vec)
	g.ok("fd_write", 2, 0, 1, 16)
	if n, _ := g.mem.ReadUint32Le(16); n != 64<<10 {
		t.Errorf("wrote %d bytes", n)
	}
	var vectors []byte
	for range 1500 {
		vectors = append(vectors, 0, 0, 0, 0, 1, 0, 0, 0)
	}
	g.mem.Write(32, vectors)
	g.ok("fd_write", 2, 32, 1500, 16)
	if n, _ := g.mem.ReadUint32Le(16); n != 1024 {
		t.Errorf("wrote %d bytes", n)
	}
}
