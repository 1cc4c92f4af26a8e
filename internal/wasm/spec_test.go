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

// specDir is where wazero keeps the official WebAssembly tests, in the form
// that wast2json gives them.
func specDir(t testing.TB) string {
	t.Helper()
	notWithRace(t)
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	if _, statErr := os.Stat(dir); err != nil || statErr != nil {
		t.Skip("the sources of wazero, with their spec tests, are not at hand")
	}
	return dir
}

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
		t.Fatal("wazero has no spec tests where they were")
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

// stricter are modules of the official tests that compile and are refused all
// the same.
func stricter(err error) bool {
	text := err.Error()
	return strings.Contains(text, "tables without a declared maximum") || strings.Contains(text, "shortest form")
}

// TestSpecModules compares with the compiler on all modules of the official tests.
func TestSpecModules(t *testing.T) {
	rt := newRuntime(t)
	var accepted int
	for _, file := range specFiles(t, ".wasm") {
		if agree(t, rt, filepath.Base(file), readFile(t, file)) {
			accepted++
		}
	}
	if accepted < 1000 {
		t.Errorf("%d modules were compiled, want thousands", accepted)
	}
}

// agree checks that a module that compiles is accepted, and compiles when
// metered; and that one which does not compile does not so when metered.
func agree(t testing.TB, rt wazero.Runtime, name string, module []byte) (accepted bool) {
	t.Helper()
	m, scanErr := wasm.Scan(module, wasm.Limits{})
	compileErr := compiles(rt, module)
	if scanErr != nil {
		if compileErr == nil && !stricter(scanErr) {
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

// specCommand is a line of a test. What it expects does not matter here: two
// runs are compared.
type specCommand struct {
	Type, Name, Filename string
	As                   string // of a module: the name that the next command gives it
	Line                 int
	Action               struct {
		Type, Field, Module string
		Args                []specValue
	}
}

type specValue struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any
}

func (v specValue) words() []uint64 {
	if v.Type != "v128" {
		return []uint64{number(v.Value)}
	}
	width := map[string]int{"i8": 8, "i16": 16, "i32": 32, "f32": 32, "i64": 64, "f64": 64}[v.LaneType]
	var words [2]uint64
	for i, lane := range v.Value.([]any) {
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

// TestSpecRuns runs the official tests both ways, and compares what the calls
// give, the memories and the globals.
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
				if !plain.follow(t, metered, filepath.Dir(file), c) {
					return
				}
				calls++
			}
		})
	}
	t.Logf("%d commands", calls)
}

// specRun is one of the two runs.
type specRun struct {
	rt      wazero.Runtime
	meter   bool
	last    api.Module
	modules map[string]api.Module
}

func newSpecRun(t *testing.T, host []byte, meter bool) *specRun {
	r := &specRun{rt: newRuntime(t), meter: meter, modules: map[string]api.Module{}}
	(&hook{slice: 1000}).instantiate(t, r.rt)
	if _, err := r.rt.InstantiateWithConfig(context.Background(), host, wazero.NewModuleConfig().WithName("spectest")); err != nil {
		t.Fatal(err)
	}
	return r
}

// follow does a command in both runs. It is false when they cannot go on.
func (r *specRun) follow(t *testing.T, other *specRun, dir string, c specCommand) bool {
	switch c.Type {
	case "module":
		module := readFile(t, filepath.Join(dir, c.Filename))
		if _, err := wasm.Scan(module, wasm.Limits{}); err != nil {
			if !stricter(err) {
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
		if c.Type == "assert_trap" && errA != nil && errB != nil && trap(errA) != trap(errB) {
			t.Errorf("line %d: %v, metered %v", c.Line, errA, errB)
		}
	}
	return true
}

// trap is the first line of an error: the rest is the stack.
func trap(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
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

// act calls a function or reads a global, and adds a digest of the state.
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
		case api.ValueTypeExternref, 0x70: // addresses
			got[at] = min(got[at], 1)
		case 0x7b:
			at++
		}
	}
	return append(got, stateOf(mod)), err
}

// stateOf is a digest of an exported memory.
func stateOf(mod api.Module) uint64 {
	if len(mod.ExportedMemoryDefinitions()) == 0 {
		return 0
	}
	mem := mod.Memory()
	b, _ := mem.Read(0, min(mem.Size(), 1<<16))
	return uint64(crc32.ChecksumIEEE(b))<<32 | uint64(mem.Size())
}
