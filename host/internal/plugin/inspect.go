package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Info is what can be known of a module without running it.
type Info struct {
	// Size of the file in bytes.
	Size int `json:"size"`
	// Version is the id that logs and metrics use for the module.
	Version string `json:"version"`
	// ABI is the major version that the module speaks, 0 if none was found.
	ABI int `json:"abi"`
	// Memory of an instance.
	Memory MemoryInfo `json:"memory"`
	// Hooks that the module handles, in the order of the ABI.
	Hooks []string `json:"hooks"`
	// Exports are all exported functions and memories, sorted by name.
	Exports []Export `json:"exports"`
	// Imports are all imported functions, in the order of the module.
	Imports []Import `json:"imports"`
	// Uses are the capabilities that the imports need, in the order of the ABI.
	Uses []Use `json:"capabilities"`
	// Warnings do not keep the module from loading. Names in them, and in Problem, have
	// nothing that a terminal would act on; in Exports and Imports they are as in the module.
	Warnings []string `json:"warnings,omitempty"`
	// Problem is why the module would not load. Empty: it would.
	Problem string `json:"problem,omitempty"`

	hooks []abi.Hook
}

// MemoryInfo is the size of a linear memory, in pages of 64 KiB.
type MemoryInfo struct {
	MinPages uint32 `json:"min_pages"`
	// MaxPages is 0 if the module does not bound its memory.
	MaxPages uint32 `json:"max_pages,omitempty"`
}

// Export is something that the module exports.
type Export struct {
	Name string `json:"name"`
	// Type is a signature such as "(i64, i32) -> i32", or "memory".
	Type string `json:"type"`
}

// Import is a function that the module imports.
type Import struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	// Doc says what the function does. It is empty for functions of WASI, and
	// for those that the host does not have.
	Doc string `json:"doc,omitempty"`
	// Known says whether the host has the function, with this signature.
	Known bool `json:"known"`
}

// Inspect reads a module without running any of it. A module that is not one,
// or would not load, is no error: Problem says so.
func Inspect(ctx context.Context, wasm []byte) (*Info, error) {
	bad := func(err error) (*Info, error) {
		return &Info{Size: len(wasm), Version: VersionID(sha256.Sum256(wasm)), Problem: err.Error()}, nil
	}
	var o Options
	o.MaxModule, o.MemoryLimit = max(DefaultMaxModule, int64(len(wasm))), maxMemory // these two are warnings here
	scanned, err := scanModule(wasm, o.scanLimits())
	if err != nil {
		return bad(err)
	}
	// The interpreter decodes and validates like the compiler, and is done sooner.
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features(Fuel)))
	defer rt.Close(ctx)
	m, err := compileModule(ctx, rt, cutNames(wasm, scanned))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return bad(err)
	}
	defer m.Close(ctx)
	info := describe(m, wasm, false)
	if n := int64(info.Memory.MinPages) * wasmPage; n > DefaultMemoryLimit {
		info.warn("it starts with %d MiB of memory, and the limit is %d MiB unless a route sets another", n>>20, DefaultMemoryLimit>>20)
	}
	if n := int64(len(wasm)); n > DefaultMaxModule {
		info.warn("the file has %d bytes, and the limit is %d unless a route sets another", n, DefaultMaxModule)
	}
	return info, nil
}

// describe collects what a module has, and checks it.
func describe(m wazero.CompiledModule, wasm []byte, metered bool) *Info {
	sum := sha256.Sum256(wasm)
	info := &Info{Size: len(wasm), Version: VersionID(sum)}
	functions, memories := m.ExportedFunctions(), m.ExportedMemories()
	for name, f := range functions {
		info.Exports = append(info.Exports, Export{name, signature(f.ParamTypes(), f.ResultTypes())})
	}
	for name, def := range memories {
		info.Exports = append(info.Exports, Export{name, "memory"})
		info.Memory.MinPages = def.Min()
		if max, ok := def.Max(); ok {
			info.Memory.MaxPages = max
		}
	}
	slices.SortFunc(info.Exports, func(a, b Export) int { return strings.Compare(a.Name, b.Name) })
	imports := importedFunctions(m, metered)
	for _, f := range imports {
		module, name, _ := f.Import()
		im := Import{Module: module, Name: name, Type: signature(f.ParamTypes(), f.ResultTypes())}
		if def, ok := abi.ImportByName(name); ok && module == abi.Module {
			im.Doc = def.Doc
		}
		info.Imports = append(info.Imports, im)
	}
	c := checker{info: info}
	c.check(m, imports)
	c.uses(wasm)
	info.Problem = strings.Join(c.problems, "; ")
	for _, h := range info.hooks {
		info.Hooks = append(info.Hooks, h.String())
	}
	return info
}

// importedFunctions are those that the module asks for, without the one that
// metering has added.
func importedFunctions(m wazero.CompiledModule, metered bool) []api.FunctionDefinition {
	return slices.DeleteFunc(m.ImportedFunctions(), func(f api.FunctionDefinition) bool {
		module, name, _ := f.Import()
		return metered && module == meterModule && name == meterSpend
	})
}

func (i *Info) warn(format string, args ...any) {
	i.Warnings = complain(i.Warnings, format, args...)
}

// signature writes a function type as sdk/ABI.md does.
func signature(params, results []api.ValueType) string {
	var b strings.Builder
	list := func(types []api.ValueType) {
		for i, t := range types {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(api.ValueTypeName(t))
		}
	}
	b.WriteByte('(')
	list(params)
	b.WriteByte(')')
	switch len(results) {
	case 0:
	case 1:
		b.WriteString(" -> ")
		list(results)
	default:
		b.WriteString(" -> (")
		list(results)
		b.WriteByte(')')
	}
	return b.String()
}

// explainCompile says what a file that does not compile may be instead.
func explainCompile(wasm []byte, err error) error {
	head := func(s string) bool { return bytes.HasPrefix(wasm, []byte(s)) }
	switch {
	case len(wasm) == 0:
		return fmt.Errorf("the file is empty")
	case head("\x00asm\x0d\x00\x01\x00"):
		return fmt.Errorf("this is a WebAssembly component, and azuhost runs core modules: build for wasm32-wasip1 or wasm32-unknown-unknown, not wasm32-wasip2")
	case bytes.HasPrefix(bytes.TrimSpace(wasm), []byte("(module")):
		return fmt.Errorf("this is WebAssembly text: make a module of it with wat2wasm")
	case !head("\x00asm"):
		return fmt.Errorf("this is not a WebAssembly module: it does not begin with \\0asm")
	case strings.Contains(err.Error(), "over limit of"):
		return fmt.Errorf("the module needs more memory than the route allows; raise limits.memory: %w", err)
	}
	return fmt.Errorf("not a valid module: %w", err)
}
