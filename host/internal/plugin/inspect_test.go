package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

func TestInspect(t *testing.T) {
	wasm := guest(t, "faults")
	info, err := Inspect(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	if info.Problem != "" || len(info.Warnings) != 0 {
		t.Errorf("problem %q, warnings %q", info.Problem, info.Warnings)
	}
	p := newPlugin(t, Options{}, wasm)
	if info.Version != p.Version() || info.Size != len(wasm) || info.ABI != 1 {
		t.Errorf("got %+v", info)
	}
	if got := strings.Join(info.Hooks, " "); got != "on_connect on_message on_load" {
		t.Errorf("hooks %s", got)
	}
	if info.Memory != (MemoryInfo{MinPages: 3, MaxPages: 0}) {
		t.Errorf("memory %+v", info.Memory)
	}
	send, _ := abi.ImportByName("send")
	if want := (Import{"azu", "send", "(i64, i32, i32, i32) -> i32", send.Doc, true}); info.Imports[0] != want {
		t.Errorf("first import %+v, want %+v", info.Imports[0], want)
	}
	for _, im := range info.Imports {
		if !im.Known || (im.Doc == "") == (im.Module == "azu") {
			t.Errorf("import %+v", im)
		}
	}
	var names []string
	for _, e := range info.Exports {
		names = append(names, e.Name+" "+e.Type)
	}
	want := "azu_v1 () -> i64, memory memory, on_connect (i64, i32) -> i32, on_load (i32) -> i32, " +
		"on_message (i64, i32, i32) -> i32"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("exports %s, want %s", got, want)
	}
}

// validationTests change a valid module. Empty texts mean that the module loads, and that there is no warning.
var validationTests = []struct {
	name    string
	change  func(*module)
	problem string
	warning string
}{
	{"good", func(*module) {}, "", ""},
	{"good imports", func(m *module) {
		m.use("azu", "now", "", "I")
		m.use("env", "abort", "iiii", "")
		m.use("wasi_snapshot_preview1", "proc_exit", "i", "")
		m.use("wasi_snapshot_preview1", "path_open", "iiiiiIIii", "i")
	}, "", ""},
	{"same import twice", func(m *module) { m.use("azu", "now", "", "I"); m.use("azu", "now", "", "I") }, "", ""},
	{"reactor", func(m *module) { m.export("_initialize", "", "", nil); m.export("_start", "", "", nil) }, "", ""},
	{"unknown hook", func(m *module) { m.export("on_fire", "", "", nil) }, "", "on_fire is no hook of this host"},
	{"no memory", func(m *module) { m.noMem = true }, `does not export its memory as "memory"`, ""},
	{"memory not exported", func(m *module) { m.memory = "" }, `does not export its memory as "memory"`, ""},
	{"memory by another name", func(m *module) { m.memory = "mem" }, `does not export its memory as "memory"`, ""},
	{"memory is a function", func(m *module) { m.memory = ""; m.export("memory", "", "", nil) },
		`does not export its memory as "memory"`, ""},
	{"no azu_v1", func(m *module) { m.remove("azu_v1") }, "does not export azu_v1() -> i64", ""},
	{"azu_v1 signature", func(m *module) { m.remove("azu_v1"); m.export("azu_v1", "i", "i", nil) },
		"azu_v1 has the signature (i32) -> i32, want () -> i64", ""},
	{"azu_v2", func(m *module) { m.remove("azu_v1"); m.export("azu_v2", "", "I", nil) },
		"another version of the ABI (azu_v2), and this host has version 1", ""},
	{"azu_v1 and azu_v2", func(m *module) { m.export("azu_v2", "", "I", nil) }, "", ""},
	{"no hooks", func(m *module) { m.remove("on_message") }, "it exports no hook", ""},
	{"hook signature", func(m *module) { m.remove("on_message"); m.export("on_message", "Ii", "i", nil) },
		"its hook on_message has the signature (i64, i32) -> i32, want (i64, i32, i32) -> i32", ""},
	{"hook result", func(m *module) { m.export("on_close", "Iii", "", nil) },
		"its hook on_close has the signature (i64, i32, i32), want", ""},
	{"unknown import", func(m *module) { m.use("azu", "teleport", "i", "i") },
		"imports azu.teleport, which this host does not have", ""},
	{"import signature", func(m *module) { m.use("azu", "send", "iiii", "i") },
		"import azu.send has the signature (i32, i32, i32, i32) -> i32, want (i64, i32, i32, i32) -> i32", ""},
	{"import result", func(m *module) { m.use("azu", "now", "", "i") },
		"import azu.now has the signature () -> i32, want () -> i64", ""},
	{"unknown WASI", func(m *module) { m.use("wasi_snapshot_preview1", "fd_dance", "", "i") },
		"fd_dance, which is not in WASI preview 1", ""},
	{"WASI signature", func(m *module) { m.use("wasi_snapshot_preview1", "fd_write", "i", "i") },
		"import wasi_snapshot_preview1.fd_write has the signature", ""},
	{"env", func(m *module) { m.use("env", "puts", "i", "i") },
		"imports env.puts, and abort is the only function of module env", ""},
	{"abort signature", func(m *module) { m.use("env", "abort", "", "") },
		"import env.abort has the signature (), want (i32, i32, i32, i32)", ""},
	{"other module", func(m *module) { m.use("foo", "bar", "", "") },
		"imports foo.bar, and a plugin can import from azu, wasi_snapshot_preview1 and env only", ""},
	{"import of metering", func(m *module) { m.use(meterModule, meterSpend, "i", "") }, "import", ""},
	{"browser Go", func(m *module) { m.use("gojs", "x", "", "") }, "GOOS=wasip1", ""},
	{"wasm-bindgen", func(m *module) { m.use("__wbindgen_placeholder__", "x", "", "") }, "#[no_mangle]", ""},
	{"command", func(m *module) { m.export("_start", "", "", nil) }, "-buildmode=c-shared", ""},
	{"_initialize signature", func(m *module) { m.export("_initialize", "", "i", nil) },
		"its _initialize has the signature () -> i32, want ()", ""},
	{"two problems", func(m *module) { m.remove("azu_v1"); m.use("foo", "bar", "", "") },
		"azu_v1() -> i64, so it is no plugin of azuhost; it imports foo.bar", ""},
}

func TestValidation(t *testing.T) {
	for _, test := range validationTests {
		t.Run(test.name, func(t *testing.T) {
			m := goodModule()
			test.change(m)
			checkModule(t, m.encode(), test.problem, test.warning)
		})
	}
}

func TestFilesThatAreNoModule(t *testing.T) {
	good := goodModule().encode()
	tests := []struct {
		name string
		wasm []byte
		want string
	}{
		{"nil", nil, "the file is empty"},
		{"garbage", []byte("garbage"), "not a WebAssembly module"},
		{"text", []byte("  (module)"), "wat2wasm"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), "component"},
		{"future", []byte("\x00asm\x02\x00\x00\x00"), "not a valid module"},
		{"head only", good[:8], "does not export azu_v1"},
		{"trailing bytes", append(good[:len(good):len(good)], 0xff), "not a valid module"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkModule(t, test.wasm, test.want, "") })
	}
	for n := 9; n < len(good); n++ { // truncated
		info, err := Inspect(t.Context(), good[:n])
		if err != nil || info.Problem == "" {
			t.Errorf("cut at %d: %+v, %v", n, info, err)
		}
	}
}

// checkModule requires that Inspect finds the problem and the warning in a module, and that Load agrees with it.
func checkModule(t *testing.T, wasm []byte, problem, warning string) {
	t.Helper()
	info, err := Inspect(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	if (info.Problem == "") != (problem == "") || !strings.Contains(info.Problem, problem) {
		t.Errorf("Inspect found the problem %q, want %q", info.Problem, problem)
	}
	if got := strings.Join(info.Warnings, " "); (got == "") != (warning == "") || !strings.Contains(got, warning) {
		t.Errorf("Inspect found the warning %q, want %q", got, warning)
	}
	p := newPlugin(t, Options{}, nil)
	_, err = p.Load(t.Context(), wasm)
	if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
		t.Errorf("Load: %v, want %q", err, problem)
	}
}

func TestInspectWarnsOfSize(t *testing.T) {
	m := goodModule()
	m.min = 2000
	info, err := Inspect(t.Context(), m.encode())
	if err != nil || info.Problem != "" || !strings.Contains(strings.Join(info.Warnings, " "), "125 MiB of memory") {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestNamesForALog: the author of a module chooses its names and their number, so both are limited in texts.
func TestNamesForALog(t *testing.T) {
	m := goodModule()
	for i := range 1000 {
		m.export(fmt.Sprintf("on_\x1b[31mred\nline %d", i), "", "i", nil)
		m.use("azu", fmt.Sprintf("\x1b[2J%d%s", i, strings.Repeat("n", 4000)), "", "")
	}
	info, err := Inspect(t.Context(), m.encode())
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"warnings": strings.Join(info.Warnings, "; "), "problem": info.Problem} {
		if strings.ContainsAny(text, "\x1b\n") || !strings.Contains(text, `\x1b[`) ||
			!strings.HasSuffix(text, "; and more") || len(text) > 10_000 {
			t.Errorf("%s of %d bytes: %.300q", what, len(text), text)
		}
	}
}

func TestMaxModule(t *testing.T) {
	wasm := guest(t, "bounce")
	p := newPlugin(t, Options{MaxModule: int64(len(wasm)) - 1}, nil)
	if _, err := p.Load(t.Context(), wasm); err == nil || !strings.Contains(err.Error(), "raise the limit") {
		t.Errorf("got %v", err)
	}
	newPlugin(t, Options{MaxModule: int64(len(wasm))}, wasm)
}

// TestTailCalls: tail calls loop without a loop header, so only fuel can stop them, and other meterings refuse them.
func TestTailCalls(t *testing.T) {
	m := goodModule()
	m.body("on_message", []byte{0x20, 0, 0x20, 1, 0x20, 2, 0x12, 1}) // return_call on_message
	for _, metering := range []Metering{Deadline, Off} {
		p := newPlugin(t, Options{Metering: metering}, nil)
		if _, err := p.Load(t.Context(), m.encode()); err == nil || !strings.Contains(err.Error(), "not a valid module") {
			t.Errorf("%s: got %v", metering, err)
		}
	}
	p := newPlugin(t, Options{Deadline: 20 * time.Millisecond}, m.encode())
	wantFault(t, message(p, &fakeEnv{}, "x"), TimedOut)
}
