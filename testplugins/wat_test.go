// Package testplugins has guests for tests, written by hand in WAT, with their compiled modules.
package testplugins

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/azuhost/azuhost/host/abi"
)

// TestCommitted fails if a committed .wasm file is not the compiled form of its source.
func TestCommitted(t *testing.T) {
	if _, err := exec.LookPath("wat2wasm"); err != nil {
		t.Skip("wat2wasm (of wabt) is not installed")
	}
	var sources []string
	for _, pattern := range []string{"*.wat", "hostile/*.wat", "conformance/wat/*.wat"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no sources in %s: %v", pattern, err)
		}
		sources = append(sources, found...)
	}
	for _, source := range sources {
		out := filepath.Join(t.TempDir(), "out.wasm")
		if text, err := exec.Command("wat2wasm", source, "-o", out).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", source, err, text)
			continue
		}
		want, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(source, ".wat") + ".wasm"
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not compiled from %s: run make guests (%v)", name, source, err)
		}
	}
}

// guest is an instance whose calls to the host are recorded.
type guest struct {
	t      *testing.T
	module api.Module
	inbox  uint32
	param  string   // answer of the host function param; empty: NOT_FOUND
	calls  []string // since run began
}

// newGuest instantiates a module.
func newGuest(t *testing.T, file string) *guest {
	t.Helper()
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = rt.Close(ctx) })
	g := &guest{t: t}
	host := rt.NewHostModuleBuilder(abi.Module)
	for name, describe := range calls {
		g.export(host, name, describe)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	if g.module, err = rt.Instantiate(ctx, code); err != nil {
		t.Fatal(err)
	}
	inbox, err := g.module.ExportedFunction(abi.VersionExport).Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	g.inbox = uint32(inbox[0] >> 32)
	if end := g.inbox + uint32(inbox[0]); end > g.module.Memory().Size() {
		t.Fatalf("the inbox ends at %d, the memory at %d", end, g.module.Memory().Size())
	}
	return g
}

// calls describes the calls of the host functions that the guests import.
var calls = map[string]func(m api.Memory, s []uint64) string{
	"send": func(m api.Memory, s []uint64) string {
		return fmt.Sprintf("%d %d %s", s[0], uint32(s[1]), read(m, s[2], s[3]))
	},
	"join":  func(m api.Memory, s []uint64) string { return fmt.Sprintf("%d %s", s[0], read(m, s[1], s[2])) },
	"param": func(m api.Memory, s []uint64) string { return fmt.Sprintf("%d %s", s[0], read(m, s[1], s[2])) },
	"broadcast": func(m api.Memory, s []uint64) string {
		return fmt.Sprintf("%s %d %s %d", read(m, s[0], s[1]), uint32(s[2]), read(m, s[3], s[4]), s[5])
	},
}

// export adds a host function that records its calls. param writes g.param; the others return 0.
func (g *guest) export(host wazero.HostModuleBuilder, name string, describe func(m api.Memory, s []uint64) string) {
	def, _ := abi.ImportByName(name)
	var params []api.ValueType
	for _, p := range def.Params {
		params = append(params, api.ValueType(p.Type))
	}
	fn := func(_ context.Context, mod api.Module, s []uint64) {
		g.calls = append(g.calls, name+" "+describe(mod.Memory(), s))
		n := int32(0)
		if name == "param" {
			if n = int32(len(g.param)); n == 0 {
				n = int32(abi.NotFound)
			} else if n <= int32(s[4]) {
				mod.Memory().WriteString(uint32(s[3]), g.param)
			}
		}
		s[0] = api.EncodeI32(n)
	}
	host.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(fn), params, []api.ValueType{api.ValueType(def.Result)}).
		Export(name)
}

// read returns n bytes of memory.
func read(m api.Memory, ptr, n uint64) string {
	b, ok := m.Read(uint32(ptr), uint32(n))
	if !ok {
		panic("pointer outside memory")
	}
	return string(b)
}

// run runs a hook with an event in the inbox, and returns its result and the calls that it made.
func (g *guest) run(h abi.Hook, event string, args ...uint64) (int32, []string) {
	g.t.Helper()
	g.calls = nil
	if len(event) <= 64<<10 {
		g.module.Memory().WriteString(g.inbox, event)
	}
	args = append([]uint64{7, uint64(len(event))}, args...)
	r, err := g.module.ExportedFunction(h.String()).Call(context.Background(), args...)
	if err != nil {
		g.t.Fatal(err)
	}
	return int32(r[0]), g.calls
}

// check compares the result of a hook and its calls.
func check(t *testing.T, code int32, calls []string, want int32, wantCalls ...string) {
	t.Helper()
	if code != want || !reflect.DeepEqual(calls, wantCalls) {
		t.Errorf("returned %d after %q, want %d after %q", code, calls, want, wantCalls)
	}
}

func TestEcho(t *testing.T) {
	g := newGuest(t, "echo.wasm")
	code, calls := g.run(abi.OnMessage, "hello", uint64(abi.Text))
	check(t, code, calls, 0, "send 7 1 hello")
	code, calls = g.run(abi.OnMessage, "", uint64(abi.Binary))
	check(t, code, calls, 0, "send 7 2 ")
	full := strings.Repeat("x", 64<<10)
	code, calls = g.run(abi.OnMessage, full, uint64(abi.Binary))
	check(t, code, calls, 0, "send 7 2 "+full)
	code, calls = g.run(abi.OnMessage, full+"x", uint64(abi.Binary))
	check(t, code, calls, int32(abi.Limit))
}

func TestRooms(t *testing.T) {
	g := newGuest(t, "rooms.wasm")
	g.param = strings.Repeat("r", abi.MaxName)
	code, calls := g.run(abi.OnConnect, "/rooms/r")
	check(t, code, calls, 0, "param 7 room", "join 7 "+g.param)
	code, calls = g.run(abi.OnMessage, "hello", uint64(abi.Text))
	check(t, code, calls, 0, "param 7 room", "broadcast "+g.param+" 1 hello 0")
	code, calls = g.run(abi.OnMessage, strings.Repeat("x", 64<<10+1), uint64(abi.Text))
	check(t, code, calls, int32(abi.Limit))
	g.param = ""
	code, calls = g.run(abi.OnConnect, "/rooms/")
	check(t, code, calls, int32(abi.NotFound), "param 7 room")
	code, calls = g.run(abi.OnMessage, "hello", uint64(abi.Text))
	check(t, code, calls, int32(abi.NotFound), "param 7 room")
}
