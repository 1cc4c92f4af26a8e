package wasm_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/internal/race"
	"github.com/azuhost/azuhost/internal/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesTailCall

// options have the smallest chunk, so that the tests run bulk instructions in several.
var options = wasm.MeterOptions{Module: "meter", Name: "hook", Fuel: "meter fuel", Stack: "meter stack", BulkChunk: 16}

// newRuntime has no host modules.
func newRuntime(t testing.TB) wazero.Runtime {
	t.Helper()
	rt := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfig().
		WithCoreFeatures(features).WithMemoryLimitPages(1024).WithDebugInfoEnabled(false))
	t.Cleanup(func() { rt.Close(context.Background()) })
	return rt
}

func scan(t testing.TB, module []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Scan(module, wasm.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func meter(t testing.TB, module []byte, o wasm.MeterOptions) []byte {
	t.Helper()
	out, err := wasm.Meter(module, scan(t, module), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wat compiles a text, and skips the test where wat2wasm is missing.
func wat(t testing.TB, text string) []byte {
	t.Helper()
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is missing: install wabt")
	}
	cmd := exec.Command(tool, "--enable-tail-call", "--enable-extended-const", "--debug-names", "-", "-o", filepath.Join(t.TempDir(), "x.wasm"))
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm: %v\n%s", err, out)
	}
	module, err := os.ReadFile(cmd.Args[len(cmd.Args)-1])
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// notWithRace skips what takes minutes with the race detector.
func notWithRace(t testing.TB) {
	t.Helper()
	if race.Enabled {
		t.Skip("the race detector makes compiling slow, and nothing here has goroutines")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// validate asks wasm-validate, where there is one.
func validate(t testing.TB, module []byte) {
	t.Helper()
	tool, err := exec.LookPath("wasm-validate")
	if err != nil {
		return
	}
	file := filepath.Join(t.TempDir(), "x.wasm")
	if err := os.WriteFile(file, module, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "--enable-tail-call", "--enable-extended-const", file).CombinedOutput(); err != nil {
		t.Errorf("wasm-validate: %v\n%s", err, out)
	}
}

// hook counts what the metered code asks for.
type hook struct {
	slice     int64 // fuel per call; 0: it traps
	limit     int64 // of all fuel; 0: none
	calls     int
	spent     int64
	overflows int
}

// instantiate provides the hook.
func (h *hook) instantiate(t testing.TB, rt wazero.Runtime) {
	t.Helper()
	f := func(_ context.Context, mod api.Module, stack []uint64) {
		if api.DecodeU32(stack[0]) == wasm.StackOverflow {
			h.overflows++
			panic("stack overflow")
		}
		h.calls++
		if h.slice == 0 || h.limit > 0 && h.spent > h.limit {
			panic("out of fuel")
		}
		fuel := mod.ExportedGlobal(options.Fuel).(api.MutableGlobal)
		h.spent += h.slice - int64(fuel.Get())
		fuel.Set(uint64(h.slice))
	}
	_, err := rt.NewHostModuleBuilder(options.Module).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(f), []api.ValueType{api.ValueTypeI32}, nil).
		Export(options.Name).Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
}
