package plugin

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/race"
)

func TestHostFuncsAreTheABI(t *testing.T) {
	for _, im := range abi.Imports {
		if _, _, ok := findHostFunc(im.Name); !ok {
			t.Errorf("%s of the ABI is not implemented", im.Name)
		}
	}
	if got := len(envFuncs) + len(basicFuncs); got != len(abi.Imports) {
		t.Errorf("%d functions are implemented, the ABI has %d", got, len(abi.Imports))
	}
	for name := range envFuncs {
		if _, twice := basicFuncs[name]; twice {
			t.Errorf("%s is in envFuncs and in basicFuncs", name)
		}
	}
}

// TestAllHostFuncsAreRegistered: the guest forward imports every function with the signature of the ABI. It loads only
// if all functions are registered with that signature.
func TestAllHostFuncsAreRegistered(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "forward"))
	imports := p.current.Load().info.Imports
	if len(imports) != len(abi.Imports) {
		t.Fatalf("the guest imports %d functions, the ABI has %d", len(imports), len(abi.Imports))
	}
	for i, im := range imports {
		if im.Name != abi.Imports[i].Name || !im.Known || im.Doc == "" {
			t.Errorf("import %d is %+v, want %s", i, im, abi.Imports[i].Name)
		}
	}
}

// hostFuncTests call each host function with the text "roomdata" at forwardText.
var hostFuncTests = []struct {
	name string
	args []uint64
	call string // of the Env
	want int64
	buf  string // contents of the buffer afterwards
}{
	{"send", []uint64{1 << 63, 2, forwardText + 4, 4}, `Send 9223372036854775808 binary "data"`, 0, ""},
	{"broadcast", []uint64{forwardText, 4, 1, forwardText + 4, 4, 9}, `Broadcast "room" text "data" 9`, 0, ""},
	{"broadcast_all", []uint64{1, forwardText + 4, 4, 9}, `BroadcastAll text "data" 9`, 0, ""},
	{"send_user", []uint64{forwardText, 4, 1, forwardText + 4, 4}, `SendUser "room" text "data"`, 0, ""},
	{"send_users", []uint64{forwardText, 4, 2, forwardText + 4, 4}, `SendUsers "room" binary "data"`, 0, ""},
	{"close", []uint64{7, 3000, forwardText + 4, 4}, `CloseConn 7 3000 "data"`, 0, ""},
	{"join", []uint64{7, forwardText, 4}, `Join 7 "room"`, 0, ""},
	{"leave", []uint64{7, forwardText, 4}, `Leave 7 "room"`, 0, ""},
	{"room_size", []uint64{forwardText, 4}, `RoomSize "room"`, 12, ""},
	{"room_members", []uint64{forwardText, 4, forwardBuf, 64}, `AppendRoomMembers "room"`, 17, "AppendRoomMembers"},
	{"room_users", []uint64{forwardText, 4, forwardBuf, 64}, `AppendRoomUsers "room"`, 15, "AppendRoomUsers"},
	{"rooms", []uint64{7, forwardBuf, 64}, `AppendRooms 7`, 11, "AppendRooms"},
	{"identify", []uint64{7, forwardText, 4}, `Identify 7 "room"`, 0, ""},
	{"user", []uint64{7, forwardBuf, 64}, `AppendUser 7`, 10, "AppendUser"},
	{"online", []uint64{forwardText, 4}, `Online "room"`, 1, ""},
	{"users", []uint64{forwardBuf, 64}, `AppendUsers`, 11, "AppendUsers"},
	{"param", []uint64{7, forwardText, 4, forwardBuf, 64}, `AppendParam 7 "room"`, 11, "AppendParam"},
	{"query", []uint64{7, forwardText, 4, forwardBuf, 64}, `AppendQuery 7 "room"`, 11, "AppendQuery"},
	{"header", []uint64{7, forwardText, 4, forwardBuf, 64}, `AppendHeader 7 "room"`, 12, "AppendHeader"},
	{"remote_addr", []uint64{7, forwardBuf, 64}, `AppendRemoteAddr 7`, 16, "AppendRemoteAddr"},
	{"subprotocol", []uint64{7, forwardBuf, 64}, `AppendSubprotocol 7`, 17, "AppendSubprotocol"},
	{"claims", []uint64{7, forwardBuf, 64}, `AppendClaims 7`, 12, "AppendClaims"},
	{"value_get", []uint64{7, forwardText, 4, forwardBuf, 64}, `AppendValue 7 "room"`, 11, "AppendValue"},
	{"value_set", []uint64{7, forwardText, 4, forwardText + 4, 4}, `SetValue 7 "room" "data"`, 0, ""},
	{"value_delete", []uint64{7, forwardText, 4}, `DeleteValue 7 "room"`, 0, ""},
	{"store_get", []uint64{forwardText, 4, forwardBuf, 64}, `AppendStore "room"`, 11, "AppendStore"},
	{"store_set", []uint64{forwardText, 4, forwardText + 4, 4, 1500}, `StoreSet "room" "data" 1.5s`, 0, ""},
	{"store_delete", []uint64{forwardText, 4}, `StoreDelete "room"`, 0, ""},
	{"store_add", []uint64{forwardText, 4, 1<<64 - 6, 250, forwardBuf}, `StoreAdd "room" -6 250ms`, 0,
		"\xfb\xff\xff\xff\xff\xff\xff\xff"},
	{"timer_set", []uint64{7, forwardText, 4, 2000}, `TimerSet 7 "room" 2s`, 0, ""},
	{"timer_clear", []uint64{7, forwardText, 4}, `TimerClear 7 "room"`, 0, ""},
	{"log", []uint64{2, forwardText, 4}, `Log 2 "room"`, 0, ""},
	{"metric", []uint64{1, forwardText, 4, forwardText + 4, 4, f64(2.5)}, `Metric 1 "room" "data" 2.5`, 0, ""},
	{"now", nil, "", int64(time.Second) + 5, ""},
	{"fail", []uint64{forwardText, 4}, `Fail "room"`, int64(abi.Failed), ""},
	{"read", []uint64{forwardBuf, 64, 64}, "", 8, "roomdata"},
}

func TestHostFuncs(t *testing.T) {
	f := newForwarder(t, Options{})
	seen := map[string]bool{}
	for _, test := range hostFuncTests {
		seen[test.name] = true
		t.Run(test.name, func(t *testing.T) {
			f.clearBuf()
			env := &fakeEnv{size: 12}
			got, err := f.call(env, test.name, "roomdata", test.args...)
			if test.name == "fail" {
				var he *HookError
				if !errors.As(err, &he) || he.Text != "room" || he.Code != 0 {
					t.Errorf("got error %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if env.log() != test.call || got != test.want {
				t.Errorf("got %d, %s; want %d, %s", got, env.log(), test.want, test.call)
			}
			if got := f.buf(64); strings.TrimRight(got, "\x00") != test.buf {
				t.Errorf("the buffer holds %q, want %q", got, test.buf)
			}
		})
	}
	for _, im := range abi.Imports {
		if !seen[im.Name] {
			t.Errorf("%s is not tested", im.Name)
		}
	}
}

// TestHostFuncErrors: an error of the Env is the result of the host function.
func TestHostFuncErrors(t *testing.T) {
	f := newForwarder(t, Options{})
	for _, test := range hostFuncTests {
		switch test.name {
		case "log", "now", "fail", "read": // the Env returns no error
			continue
		}
		for envErr, want := range map[error]abi.Errno{
			abi.Perm: abi.Perm, abi.Limit: abi.Limit,
			errors.New("other"): abi.Unavailable, abi.Errno(3): abi.Unavailable,
		} {
			f.clearBuf()
			got, err := f.call(&fakeEnv{err: envErr}, test.name, "roomdata", test.args...)
			if err != nil || got != int64(want) {
				t.Errorf("%s with error %v of the Env: got %d, %v", test.name, envErr, got, err)
			}
			if got := strings.TrimRight(f.buf(64), "\x00"); got != "" {
				t.Errorf("%s with an error of the Env: the buffer holds %q", test.name, got)
			}
		}
	}
}

// TestGetterContract: a getter writes all of the data or nothing, and returns the length of the data.
func TestGetterContract(t *testing.T) {
	f := newForwarder(t, Options{})
	long := strings.Repeat("v", 1000)
	for _, test := range []struct {
		answer string
		cap    uint64
		wrote  bool
	}{
		{"value", 5, true}, {"value", 6, true}, {"value", 4, false}, {"value", 0, false},
		{long, 999, false}, {long, 1000, true},
	} {
		f.inst.call.mem.Write(forwardBuf, []byte(strings.Repeat("-", 1001)))
		got, err := f.call(&fakeEnv{answer: test.answer}, "value_get", "key", 7, forwardText, 3, forwardBuf, test.cap)
		if err != nil || got != int64(len(test.answer)) {
			t.Errorf("cap %d: got %d, %v; want %d", test.cap, got, err, len(test.answer))
		}
		want := strings.Repeat("-", 1001)
		if test.wrote {
			want = test.answer + want[len(test.answer):]
		}
		if got := f.buf(1001); got != want {
			t.Errorf("cap %d of %d: the buffer holds %.20q…", test.cap, len(test.answer), got)
		}
	}
}

func TestRead(t *testing.T) {
	f := newForwarder(t, Options{})
	const all = forwardText - forwardInbox + 6 // the event's length
	for _, test := range []struct {
		offset, n uint64
		want      string
	}{
		{64, 64, "abcdef"}, {64, 3, "abc"}, {66, 3, "cde"}, {all - 1, 64, "f"}, {all, 64, ""}, {all + 1, 64, ""},
		{1 << 31, 64, ""}, {math.MaxUint32, 64, ""}, {64, 0, ""},
	} {
		f.clearBuf()
		got, err := f.call(&fakeEnv{}, "read", "abcdef", forwardBuf, test.offset, test.n)
		if err != nil || got != int64(len(test.want)) || strings.TrimRight(f.buf(64), "\x00") != test.want {
			t.Errorf("read %d at %d: got %d, %q, %v; want %q", test.n, test.offset, got, f.buf(64), err, test.want)
		}
	}
}

// TestPointerBounds tries every pointer of every function just inside and just outside of memory.
func TestPointerBounds(t *testing.T) {
	// One plugin serves all cases: a fault needs a new instance, not a new version.
	p := newPlugin(t, Options{}, guest(t, "forward"))
	run := func(index int, args []uint64) error {
		return p.Run(t.Context(), &Event{Hook: abi.OnMessage, Data: forwardEvent(index, args, "")}, &fakeEnv{})
	}
	for index, im := range abi.Imports {
		for i, param := range im.Params {
			ptr, n := i, i+1 // indexes of the pointer and of the length; n < 0: there is no length
			size := uint64(forwardSize)
			switch {
			case strings.HasSuffix(param.Name, "_ptr"), param.Name == "buf":
			case im.Name == "read" && param.Name == "ptr":
				n = 2
			case param.Name == "result":
				n = -1
			default:
				continue
			}
			args := make([]uint64, len(im.Params))
			for k, q := range im.Params {
				if q.Name == "result" || q.Name == "buf" {
					args[k] = forwardBuf
				}
			}
			for _, test := range []struct {
				ptr, n uint64
				trap   bool
			}{
				{0, 0, false}, {0, 4, false}, {size - 8, 8, false}, {size - 1, 1, false},
				{size, 0, false}, {math.MaxUint32, 0, false}, // the address of 0 bytes does not matter
				{size - 7, 8, true}, {size, 1, true}, {math.MaxUint32, 1, true}, {math.MaxUint32 - 3, 8, true},
				{0, size + 1, true}, {0, 1 << 31, true}, {16, math.MaxUint32, true}, {16, math.MaxUint32 - 15, true},
			} {
				args[ptr] = test.ptr
				if n < 0 {
					if test.n != 8 {
						continue
					}
				} else {
					args[n] = test.n
				}
				err := run(index, args)
				where := fmt.Sprintf("%s: %d bytes at %d for %s", im.Name, test.n, test.ptr, param.Name)
				if _, fault := err.(*Fault); fault != test.trap {
					t.Errorf("%s: got %v", where, err)
				}
				if test.trap {
					if f, ok := err.(*Fault); ok && f.Reason != Trap {
						t.Errorf("%s: reason %s", where, f.Reason)
					}
				}
			}
		}
	}
}

func TestMillis(t *testing.T) {
	for _, test := range []struct {
		ms   int64
		want time.Duration
	}{
		{0, 0}, {1, time.Millisecond}, {-1, -time.Millisecond},
		{math.MaxInt64, math.MaxInt64 / 1000000 * time.Millisecond},
		{math.MinInt64, -(math.MaxInt64 / 1000000) * time.Millisecond},
	} {
		if got := millis(uint64(test.ms)); got != test.want {
			t.Errorf("%d ms: got %s, want %s", test.ms, got, test.want)
		}
	}
}

func TestNoAllocationOnHotPaths(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	f := newForwarder(t, Options{Metering: Off})
	env := &quietEnv{}
	for name, args := range map[string][]uint64{
		"send":      {7, 1, forwardText, 4},
		"broadcast": {forwardText, 4, 1, forwardText, 4, 0},
		"param":     {7, forwardText, 4, forwardBuf, 64},
		"value_get": {7, forwardText, 4, forwardBuf, 64},
		"read":      {forwardBuf, 64, 8},
		"now":       nil,
	} {
		ev := Event{Hook: abi.OnMessage, Data: forwardEvent(importIndex(t, name), args, "roomdata")}
		if n := testing.AllocsPerRun(100, func() {
			if err := f.inst.run(&ev, env); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %g allocations a call", name, n)
		}
	}
	p := newPlugin(t, Options{Metering: Off, Observer: silentObserver{}}, guest(t, "bounce"))
	ctx, ev := t.Context(), Event{Hook: abi.OnMessage, Data: []byte("hello"), Arg: 1}
	if n := testing.AllocsPerRun(100, func() {
		if err := p.Run(ctx, &ev, env); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Run: %g allocations a call", n)
	}
}

// silentObserver is an Observer that does nothing.
type silentObserver struct{}

func (silentObserver) HookDone(abi.Hook, time.Duration, error) {}

// FuzzHostFuncs calls any host function with any arguments. The function may return an error or trap. It must not
// access memory outside of the guest's, or end the process.
func FuzzHostFuncs(f *testing.F) {
	f.Add(uint8(0), uint64(7), uint64(1), uint64(forwardText), uint64(4), uint64(0), uint64(0))
	f.Add(uint8(1), uint64(forwardText), uint64(4), uint64(1), uint64(math.MaxUint32), uint64(2), uint64(0))
	f.Add(uint8(27), uint64(0), uint64(1), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(forwardSize-7),
		uint64(0))
	for i := range abi.Imports {
		f.Add(uint8(i), uint64(math.MaxUint64), uint64(forwardSize), uint64(1), uint64(1<<31), uint64(8),
			uint64(1<<63))
	}
	p := newPlugin(f, Options{}, guest(f, "forward"))
	f.Fuzz(func(t *testing.T, index uint8, a, b, c, d, e, g uint64) {
		ev := Event{Hook: abi.OnMessage, Data: forwardEvent(int(index), []uint64{a, b, c, d, e, g}, "text")}
		env := &fakeEnv{answer: "0123456789", size: -1}
		err := p.Run(t.Context(), &ev, env)
		var fault *Fault
		var he *HookError
		switch {
		case err == nil:
			if env.committed != 1 {
				t.Error("not committed")
			}
		case errors.As(err, &fault):
			if fault.Reason != Trap || env.committed != 0 || len(env.calls) != 0 {
				t.Errorf("%v; committed %d, calls %s", err, env.committed, env.log())
			}
		case errors.As(err, &he):
			if int(index) >= len(abi.Imports) || abi.Imports[index].Name != "fail" {
				t.Errorf("%v", err)
			}
		default:
			t.Errorf("%v", err)
		}
	})
}
