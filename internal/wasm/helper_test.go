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

// options have the smallest chunk, so that bulk instructions of the tests run in several.
var options = wasm.MeterOptions{
	Module: "meter", Name: "hook", Fuel: "meter fuel", Stack: "meter stack", BulkChunk: 16,
}

// newRuntime returns a runtime without host modules.
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

// wat compiles a module in the text format. It skips the test if wat2wasm is missing.
func wat(t testing.TB, text string) []byte {
	t.Helper()
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is missing: install wabt")
	}
	file := filepath.Join(t.TempDir(), "x.wasm")
	cmd := exec.Command(tool, "--enable-tail-call", "--enable-extended-const", "--debug-names", "-", "-o", file)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm: %v\n%s", err, out)
	}
	return readFile(t, file)
}

// notWithRace skips a test that takes minutes with the race detector.
func notWithRace(t testing.TB) {
	t.Helper()
	if race.Enabled {
		t.Skip("not with the race detector: compiling takes minutes, and the test has no goroutines")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// validate runs wasm-validate, if it is installed.
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
	cmd := exec.Command(tool, "--enable-tail-call", "--enable-extended-const", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("wasm-validate: %v\n%s", err, out)
	}
}

// callback is the import that metered code calls when a counter is below zero.
type callback struct {
	slice     int64 // fuel to hand out per call; 0: the guest traps
	limit     int64 // of the fuel of all calls; 0: none
	spent     int64
	overflows int
}

// instantiate adds the callback to the runtime.
func (c *callback) instantiate(t testing.TB, rt wazero.Runtime) {
	t.Helper()
	f := func(_ context.Context, mod api.Module, stack []uint64) {
		if api.DecodeU32(stack[0]) == wasm.StackOverflow {
			c.overflows++
			panic("stack overflow")
		}
		if c.slice == 0 || c.limit > 0 && c.spent > c.limit {
			panic("out of fuel")
		}
		fuel := mod.ExportedGlobal(options.Fuel).(api.MutableGlobal)
		c.spent += c.slice - int64(fuel.Get())
		fuel.Set(uint64(c.slice))
	}
	_, err := rt.NewHostModuleBuilder(options.Module).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(f), []api.ValueType{api.ValueTypeI32}, nil).
		Export(options.Name).Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
}
