package link

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// guests returns the files of base modules.
func guests(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../../../testplugins/*.wasm")
	if err != nil || len(files) == 0 {
		t.Fatalf("no guests: %v", err)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLinkedIsValid adds an import, which moves every index, and compiles the result.
func TestLinkedIsValid(t *testing.T) {
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer r.Close(context.Background())
	for _, file := range guests(t) {
		l, err := New(read(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		l.Import("more", "host", Type{Params: "ild", Results: "i"})
		l.Global("g")
		segment := l.Data([]byte("data"))
		l.Func("added", Type{Results: "l"}, "i", func(c *Code) {
			c.I32(0).I32(0).I32(4).MemoryInit(segment)
			c.I32(7).SetGlobal("g").Call("azu_v1").GetGlobal("g").I64ExtendI32U().I64Add()
		})
		l.Export("added", "added")
		l.Export("azu_v1", "azu_v1")
		l.Custom("note", []byte("x"))
		module, err := l.Link()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		m, err := r.CompileModule(t.Context(), module)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if n := len(m.ExportedFunctions()); n != 2 {
			t.Errorf("%s: %d functions are exported, want 2", file, n)
		}
		if len(m.CustomSections()) != 0 && m.CustomSections()[0].Name() != "note" {
			t.Errorf("%s: the custom section is not there", file)
		}
	}
}

// TestReplacesImports runs a base whose import is replaced by a function.
func TestReplacesImports(t *testing.T) {
	l, err := New(read(t, "../../../../testplugins/echo.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	l.Global("got")
	const kind, length = 1, 3 // parameters
	l.Func("azu.send", Type{Params: "liii", Results: "i"}, "", func(c *Code) {
		c.Get(length).SetGlobal("got").Get(kind).I32(1).I32Eq().If().I32(0).Return().End().I32(-1)
	})
	l.Func("got", Type{Results: "i"}, "", func(c *Code) { c.GetGlobal("got") })
	// The base has no table, so the slot is the first one.
	if at := l.Slot("got"); at != 0 {
		t.Errorf("the slot of got is %d, want 0", at)
	}
	l.Export("on_message", "on_message")
	l.Export("got", "got")
	module, err := l.Link()
	if err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntime(t.Context())
	defer r.Close(context.Background())
	m, err := r.Instantiate(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[uint64]int32{1: 0, 2: -1} {
		out, err := m.ExportedFunction("on_message").Call(t.Context(), 9, 5, kind)
		if err != nil || api.DecodeI32(out[0]) != want {
			t.Errorf("kind %d: %v, %v; want %d", kind, out, err, want)
		}
	}
	if out, err := m.ExportedFunction("got").Call(t.Context()); err != nil || out[0] != 5 {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestMistakes(t *testing.T) {
	base := read(t, "../../../../testplugins/echo.wasm")
	for want, add := range map[string]func(l *Linker){
		"function f: there is no function nowhere": func(l *Linker) {
			l.Func("f", Type{}, "", func(c *Code) { c.Call("nowhere") })
		},
		"function f: there is no global g": func(l *Linker) {
			l.Func("f", Type{}, "", func(c *Code) { c.GetGlobal("g").Drop() })
		},
		"export x: there is no function gone": func(l *Linker) { l.Export("x", "gone") },
		"does not have the type":              func(l *Linker) { l.Func("azu.send", Type{}, "", func(*Code) {}) },
		"table: there is no function gone":    func(l *Linker) { l.Slot("gone") },
		"the function f is there twice": func(l *Linker) {
			l.Func("f", Type{}, "", func(*Code) {})
			l.Func("f", Type{}, "", func(*Code) {})
		},
	} {
		l, err := New(base)
		if err != nil {
			t.Fatal(err)
		}
		add(l)
		if _, err := l.Link(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestBasesRefused: a base that the linker cannot extend is an error.
func TestBasesRefused(t *testing.T) {
	const header = "\x00asm\x01\x00\x00\x00"
	for want, module := range map[string]string{
		"not a valid WebAssembly module": "x",
		"import a.b is a global":         header + "\x02\x08\x01\x01a\x01b\x03\x7f\x00",
		"it has tables other than":       header + "\x04\x04\x01\x6f\x00\x01",
		"it has a start function": header + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00" +
			"\x08\x01\x00\x0a\x04\x01\x02\x00\x0b",
	} {
		if _, err := New([]byte(module)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzLink: New and Link do not panic.
func FuzzLink(f *testing.F) {
	for _, file := range guests(f) {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		l, err := New(module)
		if err != nil {
			return
		}
		l.Import("more", "host", Type{})
		_, _ = l.Link()
	})
}
