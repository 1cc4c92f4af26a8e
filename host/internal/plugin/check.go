package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// checker finds out whether a module fits this host, before any of it runs.
// It collects all problems, so that they can be mended at once.
type checker struct {
	info     *Info
	problems []string
}

func (c *checker) problem(format string, args ...any) {
	c.problems = complain(c.problems, format, args...)
}

// maxComplaints bounds the problems, and the warnings, that are told of one module.
const maxComplaints = 20

// complain adds a text, the last one that there is room for says that there are more.
func complain(list []string, format string, args ...any) []string {
	switch {
	case len(list) < maxComplaints:
		return append(list, fmt.Sprintf(format, args...))
	case len(list) == maxComplaints:
		return append(list, "and more")
	}
	return list
}

// shown is a name that a module has, fit for a log and a terminal.
func shown(name string) string { return escapeUpTo([]byte(name), 100) }

func (c *checker) check(m wazero.CompiledModule, imports []api.FunctionDefinition) {
	functions := m.ExportedFunctions()
	c.memory(m)
	c.version(functions)
	c.hooks(functions)
	c.start(functions)
	for i, f := range imports {
		c.imported(&c.info.Imports[i], f)
	}
}

func (c *checker) memory(m wazero.CompiledModule) {
	if _, ok := m.ExportedMemories()[abi.MemoryExport]; !ok {
		c.problem("it does not export its memory as %q", abi.MemoryExport)
	}
	if len(m.ImportedMemories()) > 0 {
		c.problem("it imports a memory: a plugin has one of its own")
	}
}

// version looks for azu_vN.
func (c *checker) version(functions map[string]api.FunctionDefinition) {
	prefix := strings.TrimSuffix(abi.VersionExport, strconv.Itoa(abi.Version))
	var others []string
	for _, name := range sortedNames(functions) {
		digits, ok := strings.CutPrefix(name, prefix)
		if n, err := strconv.Atoi(digits); ok && err == nil && n != abi.Version {
			others = complain(others, "%s", shown(name))
			c.info.ABI = n
		}
	}
	f, ok := functions[abi.VersionExport]
	switch {
	case ok:
		c.info.ABI = abi.Version
		if got := signature(f.ParamTypes(), f.ResultTypes()); got != "() -> i64" {
			c.problem("its %s has the signature %s, want () -> i64", abi.VersionExport, got)
		}
	case len(others) > 0:
		c.problem("it speaks another version of the ABI (%s), and this host speaks version %d: build it with an SDK for version %d", strings.Join(others, ", "), abi.Version, abi.Version)
	default:
		c.problem("it does not export %s() -> i64, so it is no plugin of azuhost", abi.VersionExport)
	}
}

func (c *checker) hooks(functions map[string]api.FunctionDefinition) {
	for _, name := range sortedNames(functions) {
		if !strings.HasPrefix(name, "on_") {
			continue
		}
		h, ok := abi.HookByName(name)
		if !ok {
			c.info.warn("%s is no hook of this host and is never called", shown(name))
			continue
		}
		want := signature(valueTypes(abi.Hooks[h].Params), []api.ValueType{api.ValueTypeI32})
		f := functions[name]
		if got := signature(f.ParamTypes(), f.ResultTypes()); got != want {
			c.problem("its hook %s has the signature %s, want %s", name, got, want)
		}
		c.info.hooks = append(c.info.hooks, h)
	}
	slices.Sort(c.info.hooks)
	if len(c.info.hooks) == 0 {
		c.problem("it exports no hook, such as %s", abi.OnMessage)
	}
}

// start refuses a WASI command: it runs once and ends, and has no hooks to call after.
func (c *checker) start(functions map[string]api.FunctionDefinition) {
	_, command := functions[abi.StartExport]
	f, reactor := functions[abi.InitExport]
	if command && !reactor {
		c.problem("it is a command (%s), and a plugin is a reactor (%s): build it with -buildmode=c-shared (Go), crate-type = [\"cdylib\"] (Rust) or -mexec-model=reactor (C, C++)", abi.StartExport, abi.InitExport)
	}
	if reactor {
		if got := signature(f.ParamTypes(), f.ResultTypes()); got != "()" {
			c.problem("its %s has the signature %s, want ()", abi.InitExport, got)
		}
	}
}

// imported checks one import, and notes whether the host has it.
func (c *checker) imported(im *Import, f api.FunctionDefinition) {
	var want string
	switch im.Module {
	case abi.Module:
		def, ok := abi.ImportByName(im.Name)
		if !ok {
			c.problem("it imports %s.%s, which this host does not have: it is of a later version; use a newer host, or an SDK for this one", shown(im.Module), shown(im.Name))
			return
		}
		want = signature(valueTypes(def.Params), []api.ValueType{api.ValueType(def.Result)})
	case wasiModule:
		def, ok := wasiFuncs[im.Name]
		if !ok {
			c.problem("it imports %s.%s, which is not in WASI preview 1", shown(im.Module), shown(im.Name))
			return
		}
		want = signature(def.signature(im.Name))
	case envModule:
		if im.Name != abortName {
			c.problem("it imports %s.%s: of module %s the host has %s alone; a C or C++ function without a definition ends up here", shown(im.Module), shown(im.Name), envModule, abortName)
			return
		}
		want = signature(abortParams, nil)
	default:
		c.problem("it imports %s.%s, and a plugin can import from %s, %s and %s only%s", shown(im.Module), shown(im.Name), abi.Module, wasiModule, envModule, importHint(im.Module))
		return
	}
	if im.Type != want {
		c.problem("its import %s.%s has the signature %s, want %s", shown(im.Module), shown(im.Name), im.Type, want)
		return
	}
	im.Known = true
}

// importHint says what brings a module's imports about.
func importHint(module string) string {
	switch {
	case module == "gojs" || module == "go":
		return ": it was built for a browser; use GOOS=wasip1 GOARCH=wasm and -buildmode=c-shared"
	case strings.HasPrefix(module, "__wbindgen") || module == "wbg":
		return ": wasm-bindgen is for browsers; export plain functions with #[no_mangle]"
	case module == "wasi_unstable":
		return ": build for wasm32-wasip1"
	case strings.HasPrefix(module, "wasi:"):
		return ": build for wasm32-wasip1, not wasm32-wasip2"
	}
	return ""
}

func valueTypes(params []abi.Param) []api.ValueType {
	out := make([]api.ValueType, len(params))
	for i, p := range params {
		out[i] = api.ValueType(p.Type)
	}
	return out
}

// sortedNames are the keys of a map of exports.
func sortedNames(exports map[string]api.FunctionDefinition) []string {
	return slices.Sorted(maps.Keys(exports))
}
