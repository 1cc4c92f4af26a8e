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

// small are limits for fuzzing: a module that fits compiles in no time.
var small = wasm.Limits{
	Module: 1 << 14, Locals: 200, Nesting: 50, Blocks: 200, Operands: 1000, MemoryPages: 2, TableSize: 1000,
}

// seeds adds test modules and malformed ones to the corpus.
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
	rt := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfig().
		WithCoreFeatures(features).WithMemoryLimitPages(16))
	f.Cleanup(func() { rt.Close(context.Background()) })
	return rt
}

// FuzzScan: Scan does not panic, and accepts the modules that wazero accepts.
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
		// A malformed module can have counts for which wazero allocates gigabytes: only harmless ones are compiled.
		if _, off := err.(*wasm.FeatureError); off || !harmless(module) {
			return
		}
		if compileErr := compiles(rt, module); compileErr != nil || isStricter(err) {
			return
		}
		if !strings.HasSuffix(err.Error(), "unexpected end") {
			t.Errorf("compiles, but: %v", err)
		}
	})
}

// harmless reports whether all numbers in the module are small.
func harmless(module []byte) bool {
	for i := 1; i < len(module); i++ {
		if i > 8 && module[i] >= 0x80 && module[i-1] >= 0x80 {
			return false
		}
	}
	return len(module) < 2000
}

// FuzzMeter: wazero compiles the metered form of a module that Scan accepts if, and only if, it compiles the module.
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
			return // wazero refuses an empty one at the end
		}
		if (plain == nil) != (metered == nil) {
			t.Errorf("compiled: %v; metered: %v", plain, metered)
		}
	})
}
