package wasm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/internal/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// specDir returns the folder of the official WebAssembly tests in the source of wazero, in the output format of
// wast2json.
func specDir(t testing.TB) string {
	t.Helper()
	notWithRace(t)
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	if _, statErr := os.Stat(dir); err != nil || statErr != nil {
		t.Skip("the source of wazero, with its spec tests, is missing")
	}
	return dir
}

// specFiles returns the files of the official tests with an extension.
func specFiles(t testing.TB, ext string) []string {
	t.Helper()
	var files []string
	for _, set := range []string{"v1", "v2", "tail-call", "extended-const"} {
		got, err := filepath.Glob(filepath.Join(specDir(t), set, "testdata", "*"+ext))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, got...)
	}
	if len(files) == 0 {
		t.Fatal("no spec tests in the source of wazero")
	}
	return files
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// isStricter reports whether err refuses modules of the official tests, which compile, on purpose.
func isStricter(err error) bool {
	text := err.Error()
	return strings.Contains(text, "tables without a declared maximum") || strings.Contains(text, "shortest form")
}

// TestSpecModules compares Scan with the compiler on all modules of the official tests.
func TestSpecModules(t *testing.T) {
	rt := newRuntime(t)
	var accepted int
	for _, file := range specFiles(t, ".wasm") {
		if compareCompiling(t, rt, filepath.Base(file), readFile(t, file)) {
			accepted++
		}
	}
	if accepted < 1000 {
		t.Errorf("%d modules were compiled, want thousands", accepted)
	}
}

// compareCompiling checks that Scan accepts a module that compiles, and that its metered form compiles if, and only if,
// the module does. It reports whether the module compiles.
func compareCompiling(t testing.TB, rt wazero.Runtime, name string, module []byte) (accepted bool) {
	t.Helper()
	m, scanErr := wasm.Scan(module, wasm.Limits{})
	compileErr := compiles(rt, module)
	if scanErr != nil {
		if compileErr == nil && !isStricter(scanErr) {
			t.Errorf("%s: compiles, but: %v", name, scanErr)
		}
		return false
	}
	out, err := wasm.Meter(module, m, options)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := compiles(rt, out); (err == nil) != (compileErr == nil) {
		t.Errorf("%s: compiled: %v; metered: %v", name, compileErr, err)
	}
	if _, err := wasm.Scan(out, wasm.Limits{}); err != nil {
		t.Errorf("%s: metered: %v", name, err)
	}
	return compileErr == nil
}

func compiles(rt wazero.Runtime, module []byte) error {
	c, err := rt.CompileModule(context.Background(), module)
	if err == nil {
		c.Close(context.Background())
	}
	return err
}

// specCommand is a command of a test. Its expected results are not read: two runs are compared.
type specCommand struct {
	Type, Name, Filename string
	As                   string // of a module: the name under which the next command registers it
	Line                 int
	Action               struct {
		Type, Field, Module string
		Args                []specValue
	}
}

type specValue struct {
	Type  string
	Value any
}

func (v specValue) words() []uint64 {
	if v.Type != "v128" {
		return []uint64{number(v.Value)}
	}
	var words [2]uint64
	lanes := v.Value.([]any)
	width := 128 / len(lanes)
	for i, lane := range lanes {
		words[i*width/64] |= number(lane) << (i * width % 64)
	}
	return words[:]
}

func number(v any) uint64 {
	s, _ := v.(string)
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	n, _ := strconv.ParseInt(s, 10, 64) // also 0 for null and for nan:…
	return uint64(n)
}

// TestSpecRuns runs the official tests metered and unmetered, and compares the results, the memories and the globals.
func TestSpecRuns(t *testing.T) {
	host := readFile(t, filepath.Join(specDir(t), "testdata", "spectest.wasm"))
	var calls int
	for _, file := range specFiles(t, ".json") {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(file)))+"/"+filepath.Base(file), func(t *testing.T) {
			plain, metered := newSpecRun(t, host, false), newSpecRun(t, host, true)
			var script struct{ Commands []specCommand }
			if err := json.Unmarshal(readFile(t, file), &script); err != nil {
				t.Fatal(err)
			}
			for i, c := range script.Commands {
				if next := script.Commands[min(i+1, len(script.Commands)-1)]; next.Type == "register" {
					c.As = next.As
				}
				if !plain.runBoth(t, metered, filepath.Dir(file), c) {
					return
				}
				calls++
			}
		})
	}
	t.Logf("%d commands", calls)
}

// specRun is a run of a test.
type specRun struct {
	rt      wazero.Runtime
	meter   bool
	last    api.Module
	modules map[string]api.Module
}

func newSpecRun(t *testing.T, host []byte, meter bool) *specRun {
	r := &specRun{rt: newRuntime(t), meter: meter, modules: map[string]api.Module{}}
	(&callback{slice: 1000}).instantiate(t, r.rt)
	config := wazero.NewModuleConfig().WithName("spectest")
	if _, err := r.rt.InstantiateWithConfig(context.Background(), host, config); err != nil {
		t.Fatal(err)
	}
	return r
}

// runBoth runs a command in both runs. It returns false if they cannot go on.
func (r *specRun) runBoth(t *testing.T, other *specRun, dir string, c specCommand) bool {
	switch c.Type {
	case "module":
		module := readFile(t, filepath.Join(dir, c.Filename))
		if _, err := wasm.Scan(module, wasm.Limits{}); err != nil {
			if !isStricter(err) {
				t.Errorf("line %d: %v", c.Line, err)
			}
			return false
		}
		r.load(t, c, module)
		other.load(t, c, module)
	case "action", "assert_return", "assert_trap", "assert_exhaustion":
		a, errA := r.act(c)
		b, errB := other.act(c)
		if fmt.Sprint(a) != fmt.Sprint(b) || (errA == nil) != (errB == nil) {
			t.Errorf("line %d: %v %v, metered %v %v", c.Line, a, errA, b, errB)
		}
		if c.Type == "assert_trap" && errA != nil && errB != nil && firstLine(errA) != firstLine(errB) {
			t.Errorf("line %d: %v, metered %v", c.Line, errA, errB)
		}
	}
	return true
}

func (r *specRun) load(t *testing.T, c specCommand, module []byte) {
	t.Helper()
	if r.meter {
		module = meter(t, module, options)
	}
	mod, err := r.rt.InstantiateWithConfig(context.Background(), module, wazero.NewModuleConfig().WithName(c.As))
	if err != nil {
		t.Fatalf("line %d: %v", c.Line, err)
	}
	r.last = mod
	if c.Name != "" {
		r.modules[c.Name] = mod
	}
}

// act calls a function or reads a global. It adds a digest of the memory to the results of a call.
func (r *specRun) act(c specCommand) ([]uint64, error) {
	mod := r.last
	if c.Action.Module != "" {
		mod = r.modules[c.Action.Module]
	}
	if c.Action.Type == "get" {
		return []uint64{mod.ExportedGlobal(c.Action.Field).Get()}, nil
	}
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, a.words()...)
	}
	f := mod.ExportedFunction(c.Action.Field)
	got, err := f.Call(context.Background(), args...)
	for i, at := 0, 0; i < len(f.Definition().ResultTypes()) && at < len(got); i, at = i+1, at+1 {
		switch f.Definition().ResultTypes()[i] {
		case api.ValueTypeExternref, api.ValueType(wasm.FuncRef): // addresses, which differ between runs
			got[at] = min(got[at], 1)
		case api.ValueType(wasm.V128): // has two words
			at++
		}
	}
	return append(got, memorySum(mod)), err
}

// memorySum returns a digest of the exported memory, or 0.
func memorySum(mod api.Module) uint64 {
	if len(mod.ExportedMemoryDefinitions()) == 0 {
		return 0
	}
	mem := mod.Memory()
	b, _ := mem.Read(0, min(mem.Size(), 1<<16))
	return uint64(crc32.ChecksumIEEE(b))<<32 | uint64(mem.Size())
}
