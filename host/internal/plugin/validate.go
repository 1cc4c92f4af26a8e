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

// validator finds out whether a module fits this host, before any code of the module runs. It collects all problems,
// so that they can be fixed together.
type validator struct {
	info     *Info
	problems []string
}

func (v *validator) addProblem(format string, args ...any) {
	v.problems = appendMessage(v.problems, format, args...)
}

// maxMessages limits the number of problems, and of warnings, that are reported for one module.
const maxMessages = 20

// appendMessage appends a text to list. The text after maxMessages is "and more", and further ones are left out.
func appendMessage(list []string, format string, args ...any) []string {
	switch {
	case len(list) < maxMessages:
		return append(list, fmt.Sprintf(format, args...))
	case len(list) == maxMessages:
		return append(list, "and more")
	}
	return list
}

// printable returns a name from a module with at most 100 bytes, and without bytes that a log or a terminal acts on.
func printable(name string) string { return escapeUpTo([]byte(name), 100) }

// validateModule collects the problems of a compiled module whose imports are in info.Imports.
func (v *validator) validateModule(m wazero.CompiledModule) {
	functions := m.ExportedFunctions()
	v.validateMemory(m)
	v.validateVersion(functions)
	v.validateHooks(functions)
	v.validateStart(functions)
	for i := range v.info.Imports {
		v.validateImport(&v.info.Imports[i])
	}
}

func (v *validator) validateMemory(m wazero.CompiledModule) {
	if _, ok := m.ExportedMemories()[abi.MemoryExport]; !ok {
		v.addProblem("it does not export its memory as %q", abi.MemoryExport)
	}
	if len(m.ImportedMemories()) > 0 {
		v.addProblem("it imports a memory: a plugin has one of its own")
	}
}

// validateVersion looks for the export azu_vN of the ABI's version N.
func (v *validator) validateVersion(functions map[string]api.FunctionDefinition) {
	prefix := strings.TrimSuffix(abi.VersionExport, strconv.Itoa(abi.Version))
	var others []string
	for _, name := range sortedNames(functions) {
		digits, ok := strings.CutPrefix(name, prefix)
		if n, err := strconv.Atoi(digits); ok && err == nil && n != abi.Version {
			others = appendMessage(others, "%s", printable(name))
			v.info.ABI = n
		}
	}
	f, ok := functions[abi.VersionExport]
	switch {
	case ok:
		v.info.ABI = abi.Version
		if got := signature(f.ParamTypes(), f.ResultTypes()); got != "() -> i64" {
			v.addProblem("its %s has the signature %s, want () -> i64", abi.VersionExport, got)
		}
	case len(others) > 0:
		v.addProblem("it uses another version of the ABI (%s), and this host has version %d: "+
			"build it with an SDK for version %d", strings.Join(others, ", "), abi.Version, abi.Version)
	default:
		v.addProblem("it does not export %s() -> i64, so it is no plugin of azuhost", abi.VersionExport)
	}
}

func (v *validator) validateHooks(functions map[string]api.FunctionDefinition) {
	for _, name := range sortedNames(functions) {
		if !strings.HasPrefix(name, "on_") {
			continue
		}
		h, ok := abi.HookByName(name)
		if !ok {
			v.info.addWarning("%s is no hook of this host and is never called", printable(name))
			continue
		}
		want := signature(valueTypes(abi.Hooks[h].Params), []api.ValueType{api.ValueTypeI32})
		f := functions[name]
		if got := signature(f.ParamTypes(), f.ResultTypes()); got != want {
			v.addProblem("its hook %s has the signature %s, want %s", name, got, want)
		}
		v.info.hooks = append(v.info.hooks, h)
	}
	slices.Sort(v.info.hooks)
	if len(v.info.hooks) == 0 {
		v.addProblem("it exports no hook, such as %s", abi.OnMessage)
	}
}

// validateStart refuses a WASI command: its _start runs once and ends the program, so that no hook can follow.
func (v *validator) validateStart(functions map[string]api.FunctionDefinition) {
	_, command := functions[abi.StartExport]
	f, reactor := functions[abi.InitExport]
	if command && !reactor {
		v.addProblem("it is a command (%s), and a plugin is a reactor (%s): build it with -buildmode=c-shared (Go), "+
			"crate-type = [\"cdylib\"] (Rust) or -mexec-model=reactor (C, C++)", abi.StartExport, abi.InitExport)
	}
	if reactor {
		if got := signature(f.ParamTypes(), f.ResultTypes()); got != "()" {
			v.addProblem("its %s has the signature %s, want ()", abi.InitExport, got)
		}
	}
}

// validateImport validates one import, and sets im.Known if the host has the function.
func (v *validator) validateImport(im *Import) {
	module, name := printable(im.Module), printable(im.Name)
	var want string
	switch im.Module {
	case abi.Module:
		def, ok := abi.ImportByName(im.Name)
		if !ok {
			v.addProblem("it imports %s.%s, which this host does not have: it is of a later version; "+
				"use a newer host, or an SDK for this one", module, name)
			return
		}
		want = signature(valueTypes(def.Params), []api.ValueType{api.ValueType(def.Result)})
	case wasiModule:
		def, ok := wasiFuncs[im.Name]
		if !ok {
			v.addProblem("it imports %s.%s, which is not in WASI preview 1", module, name)
			return
		}
		want = signature(def.signature(im.Name))
	case envModule:
		if im.Name != abortName {
			v.addProblem("it imports %s.%s, and %s is the only function of module %s: "+
				"a C or C++ function without a definition becomes such an import", module, name, abortName, envModule)
			return
		}
		want = signature(abortParams, nil)
	default:
		v.addProblem("it imports %s.%s, and a plugin can import from %s, %s and %s only%s",
			module, name, abi.Module, wasiModule, envModule, importHint(im.Module))
		return
	}
	if im.Type != want {
		v.addProblem("its import %s.%s has the signature %s, want %s", module, name, im.Type, want)
		return
	}
	im.Known = true
}

// importHint returns how to build without imports from module. It is empty for an unknown module.
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

// valueTypes returns the types of params as wazero has them.
func valueTypes(params []abi.Param) []api.ValueType {
	out := make([]api.ValueType, len(params))
	for i, p := range params {
		out[i] = api.ValueType(p.Type)
	}
	return out
}

func sortedNames(exports map[string]api.FunctionDefinition) []string {
	return slices.Sorted(maps.Keys(exports))
}
