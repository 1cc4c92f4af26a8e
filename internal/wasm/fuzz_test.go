package wasm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/internal/wasm"
	"github.com/tetratelabs/wazero"
)

// small are limits for fuzzing: a module that fits compiles at once.
var small = wasm.Limits{Module: 1 << 14, Locals: 200, Nesting: 50, Blocks: 200, Operands: 1000, MemoryPages: 2, TableSize: 1000}

func seeds(f *testing.F) {
	f.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "testplugins", "*.wasm"))
	cases, _ := filepath.Glob(filepath.Join("testdata", "*.wasm"))
	files = append(files, cases...)
	if len(files) == 0 {
		f.Fatal("no seeds")
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(header)
	for _, m := range malformed {
		f.Add(m)
	}
}

func fuzzRuntime(f *testing.F) wazero.Runtime {
	rt := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfig().WithCoreFeatures(features).WithMemoryLimitPages(16))
	f.Cleanup(func() { rt.Close(context.Background()) })
	return rt
}

// FuzzScan: Scan does not panic, and accepts what wazero accepts.
func FuzzScan(f *testing.F) {
	seeds(f)
	rt := fuzzRuntime(f)
	f.Fuzz(func(t *testing.T, module []byte) {
		m, err := wasm.Scan(module, small)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if _, limit := err.(*wasm.LimitError); err == nil || limit {
			return
		}
		// What is refused for its form may still hold counts that wazero makes
		// room for, so only what is known to be harmless is tried.
		if _, off := err.(*wasm.FeatureError); !off && harmless(module) {
			if compileErr := compiles(rt, module); compileErr == nil && !stricter(err) && !strings.HasSuffix(err.Error(), "unexpected end") {
				t.Errorf("compiles, but: %v", err)
			}
		}
	})
}

// harmless says that no number in the module can be large.
func harmless(module []byte) bool {
	for i := 1; i < len(module); i++ {
		if i > 8 && module[i] >= 0x80 && module[i-1] >= 0x80 {
			return false
		}
	}
	return len(module) < 2000
}

// FuzzMeter: what Scan accepts and wazero compiles, it compiles when metered;
// and what it does not compile, it does not compile then either.
func FuzzMeter(f *testing.F) {
	seeds(f)
	rt := fuzzRuntime(f)
	f.Fuzz(func(t *testing.T, module []byte) {
		m, err := wasm.Scan(module, small)
		if err != nil {
			return
		}
		out, err := wasm.Meter(module, m, options)
		if err != nil {
			return // a reserved name
		}
		plain, metered := compiles(rt, module), compiles(rt, out)
		if plain != nil && strings.Contains(plain.Error(), "custom section") {
			return // wazero does not like an empty one at the end
		}
		if (plain == nil) != (metered == nil) {
			t.Errorf("compiled: %v; metered: %v", plain, metered)
		}
	})
}
