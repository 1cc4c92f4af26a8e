package wasm_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/azuhost/azuhost/internal/race"
	"github.com/azuhost/azuhost/internal/wasm"
)

// TestConstructs calls every function of constructs.wat, metered and unmetered, and compares.
func TestConstructs(t *testing.T) {
	module := readFile(t, filepath.Join("testdata", "constructs.wasm"))
	for name, o := range map[string]wasm.MeterOptions{
		"all":        options,
		"no stack":   {Module: options.Module, Name: options.Name, Fuel: options.Fuel, MaxStack: -1},
		"no export":  {Module: options.Module, Name: options.Name, Fuel: options.Fuel},
		"much stack": {Module: options.Module, Name: options.Name, Fuel: options.Fuel, MaxStack: 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			out := meter(t, module, o)
			validate(t, out)
			for _, e := range scan(t, module).Exports {
				if e.Kind != wasm.Func {
					continue
				}
				for _, n := range []uint64{0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 1 << 31} {
					if n < 3 || name == "all" && !race.Enabled {
						compareCalls(t, module, out, e.Name, []uint64{n})
					}
				}
			}
		})
	}
}

// TestStackIsWholeAfterEachCall: a function gives back its stack on every way out.
func TestStackIsWholeAfterEachCall(t *testing.T) {
	module := readFile(t, filepath.Join("testdata", "constructs.wasm"))
	inst := mustStart(t, meter(t, module, options), 1<<40)
	left := inst.ExportedGlobal(options.Stack)
	for _, e := range scan(t, module).Exports {
		for n := range uint64(12) {
			if e.Kind != wasm.Func {
				continue
			}
			if _, err := inst.ExportedFunction(e.Name).Call(context.Background(), n); err != nil {
				inst = mustStart(t, meter(t, module, options), 1<<40)
				left = inst.ExportedGlobal(options.Stack)
			} else if left.Get() != 1<<20 {
				t.Fatalf("%s(%d): %d bytes are not given back", e.Name, n, 1<<20-int64(left.Get()))
			}
		}
	}
}

func TestCGuest(t *testing.T) {
	clang := firstOf("clang-19", "clang")
	if clang == "" || firstOf("wasm-ld-19", "wasm-ld") == "" {
		t.Skip("clang and wasm-ld are missing: install clang and lld")
	}
	compileAndRun(t, clang, "--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry",
		filepath.Join("testdata", "c", "guest.c"))
}

func TestRustGuest(t *testing.T) {
	source := filepath.Join("testdata", "rust", "guest.rs")
	args := []string{"--crate-type=cdylib", "--target=wasm32-unknown-unknown", "-O", source}
	for _, tool := range []string{firstOf("rustc"), "/usr/bin/rustc"} { // Debian's can have the target that rustup's lacks
		if tool == "" || exec.Command(tool, append(args, "-o", filepath.Join(t.TempDir(), "x"))...).Run() != nil {
			continue
		}
		compileAndRun(t, tool, args...)
		return
	}
	t.Skip("no rustc with the target wasm32-unknown-unknown: rustup target add wasm32-unknown-unknown, " +
		"or Debian's rustc, lld and libstd-rust-dev-wasm32")
}

// firstOf returns the path of the first tool that is installed, or "".
func firstOf(tools ...string) string {
	for _, tool := range tools {
		if path, err := exec.LookPath(tool); err == nil {
			return path
		}
	}
	return ""
}

// compileAndRun builds a guest that exports run, and compares metered with unmetered calls.
func compileAndRun(t *testing.T, tool string, args ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guest.wasm")
	if text, err := exec.Command(tool, append(args, "-o", file)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	module := readFile(t, file)
	out := meter(t, module, options)
	validate(t, out)
	for _, n := range []uint64{0, 1, 10, 1000} {
		compareCalls(t, module, out, "run", []uint64{n})
	}
}
