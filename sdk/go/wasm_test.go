package azu_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/azuhost/azuhost/host/abi"
)

// build compiles the plugin testdata/probe once.
var build = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "azu-probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "probe.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/probe")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, &exec.Error{Name: string(text), Err: err}
	}
	return os.ReadFile(out)
})

// compiled keeps the probe's machine code, because compiling takes seconds.
var compiled = wazero.NewCompilationCache()

// guest is an instance of the probe with minimal host functions.
type guest struct {
	t      *testing.T
	ctx    context.Context
	module api.Module
	inbox  uint32
	cap    uint32
	event  []byte

	// The last arguments of host functions.
	sent   []byte // of send; of broadcast it is the room
	logged string
	failed string
}

func newGuest(t *testing.T) *guest {
	t.Helper()
	if testing.Short() {
		t.Skip("building a plugin takes seconds; not in -short mode")
	}
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, ctx: context.Background()}
	rt := wazero.NewRuntimeWithConfig(g.ctx, wazero.NewRuntimeConfig().WithCompilationCache(compiled))
	t.Cleanup(func() { _ = rt.Close(g.ctx) })
	wasi_snapshot_preview1.MustInstantiate(g.ctx, rt)
	host := rt.NewHostModuleBuilder(abi.Module)
	for _, d := range abi.Imports {
		var params []api.ValueType
		for _, p := range d.Params {
			params = append(params, api.ValueType(p.Type))
		}
		host.NewFunctionBuilder().
			WithGoModuleFunction(g.function(d.Name), params, []api.ValueType{api.ValueType(d.Result)}).
			Export(d.Name)
	}
	if _, err := host.Instantiate(g.ctx); err != nil {
		t.Fatal(err)
	}
	config := wazero.NewModuleConfig().WithStartFunctions(abi.InitExport).WithStderr(os.Stderr).WithSysNanotime()
	module, err := rt.CompileModule(g.ctx, code) // not closed, because the next test uses it
	if err != nil {
		t.Fatal(err)
	}
	if g.module, err = rt.InstantiateModule(g.ctx, module, config); err != nil {
		t.Fatal(err)
	}
	inbox, err := g.module.ExportedFunction(abi.VersionExport).Call(g.ctx)
	if err != nil {
		t.Fatal(err)
	}
	g.inbox, g.cap = uint32(inbox[0]>>32), uint32(inbox[0])
	return g
}

// function returns the host function of a name.
func (g *guest) function(name string) api.GoModuleFunc {
	text := func(m api.Module, ptr, n uint64) string {
		b, ok := m.Memory().Read(uint32(ptr), uint32(n))
		if !ok {
			panic("a pointer is outside of memory")
		}
		return string(b)
	}
	return func(_ context.Context, m api.Module, s []uint64) {
		switch name {
		case "send":
			b, _ := m.Memory().Read(uint32(s[2]), uint32(s[3]))
			g.sent = append(g.sent[:0], b...)
			s[0] = 0
		case "broadcast":
			b, _ := m.Memory().Read(uint32(s[0]), uint32(s[1]))
			g.sent = append(g.sent[:0], b...)
			s[0] = 0
		case "param":
			m.Memory().WriteString(uint32(s[3]), "forty-two")
			s[0] = 9
		case "log":
			g.logged = text(m, s[1], s[2])
			s[0] = 0
		case "fail":
			g.failed = text(m, s[0], s[1])
			s[0] = api.EncodeI32(int32(abi.Failed))
		case "read":
			n := min(uint64(len(g.event))-s[1], s[2])
			m.Memory().Write(uint32(s[0]), g.event[s[1]:s[1]+n])
			s[0] = n
		default:
			panic("the probe calls " + name)
		}
	}
}

// message calls on_message and returns its result.
func (g *guest) message(data string) int32 {
	g.t.Helper()
	g.event = []byte(data)
	if uint32(len(data)) <= g.cap {
		g.module.Memory().Write(g.inbox, g.event)
	}
	r, err := g.module.ExportedFunction("on_message").Call(g.ctx, 7, uint64(len(data)), uint64(abi.Text))
	if err != nil {
		g.t.Fatalf("%s: %v", data[:min(len(data), 20)], err)
	}
	return int32(r[0])
}

func TestWasmMessages(t *testing.T) {
	g := newGuest(t)
	for _, n := range []int{0, 5, int(g.cap), int(g.cap) + 1, 1 << 20} {
		m := strings.Repeat("x", n)
		if code := g.message(m); code != 0 || string(g.sent) != m {
			t.Errorf("a message of %d bytes: %d, and %d bytes were sent", n, code, len(g.sent))
		}
	}
}

func TestWasmErrorsAndPanics(t *testing.T) {
	g := newGuest(t)
	for message, want := range map[string]string{
		"error":                   "no luck",
		"panic":                   "index out of range",
		"panic after a goroutine": "after the wait",
	} {
		g.logged = ""
		if code := g.message(message); code != int32(abi.Failed) || !strings.Contains(g.failed, want) {
			t.Errorf("%s: returned %d, %q", message, code, g.failed)
		}
		if panics := strings.HasPrefix(message, "panic"); panics != strings.Contains(g.logged, "probe/main.go:") {
			t.Errorf("%s: logged %q", message, g.logged)
		}
		if code := g.message("still here"); code != 0 || string(g.sent) != "still here" {
			t.Errorf("after %s an echo returned %d, %q", message, code, g.sent)
		}
	}
}

// TestWasmGoroutines: a goroutine that outlives its hook does not affect other hooks, and runs while a later hook
// waits.
func TestWasmGoroutines(t *testing.T) {
	g := newGuest(t)
	for range 50 {
		g.message("start a goroutine")
		g.message("hello")
	}
	for range 50 {
		if code := g.message("wait"); code != 0 || string(g.sent) != "1" {
			t.Fatalf("returned %d, %q", code, g.sent)
		}
	}
}

// TestWasmAllocations: sending and broadcasting do not allocate.
func TestWasmAllocations(t *testing.T) {
	g := newGuest(t)
	count := func() int {
		if code := g.message("allocations"); code != 0 {
			t.Fatalf("returned %d", code)
		}
		n, err := strconv.Atoi(string(g.sent))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for message, want := range map[string]string{"hello": "hello", "room": "forty-two"} {
		g.message(message)
		count()
		before := count()
		for range 1000 {
			g.message(message)
		}
		if string(g.sent) != want {
			t.Errorf("%q sent %q", message, g.sent)
		}
		if n := count() - before; n >= 1000 {
			t.Errorf("1000 messages %q made %d allocations", message, n)
		}
	}
}

// TestWasmMemory: the garbage of hooks is collected although no code runs between them.
func TestWasmMemory(t *testing.T) {
	g := newGuest(t)
	for range 50_000 { // 400 MB of garbage
		if code := g.message("garbage"); code != 0 {
			t.Fatalf("returned %d", code)
		}
	}
	if size := g.module.Memory().Size(); size > 32<<20 {
		t.Errorf("the guest has %d MiB", size>>20)
	}
}

// TestWasmInbox: the inbox of azu_v1 is in the memory of the guest.
func TestWasmInbox(t *testing.T) {
	g := newGuest(t)
	if g.cap != 64<<10 || g.inbox == 0 || g.inbox+g.cap > g.module.Memory().Size() {
		t.Errorf("the inbox is %d bytes at %d of %d", g.cap, g.inbox, g.module.Memory().Size())
	}
}
