package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Info describes a module. None of the module's code runs to find it out.
type Info struct {
	// Size is the size of the file in bytes.
	Size int
	// Version is the id of the module in logs and metrics.
	Version string
	// ABI is the major version of the ABI that the module uses, 0 if it exports none.
	ABI int
	// Memory is the memory of an instance.
	Memory MemoryInfo
	// Hooks lists the hooks that the module exports, in the order of the ABI.
	Hooks []string
	// Exports lists all exported functions and memories, sorted by name.
	Exports []Export
	// Imports lists all imported functions, in the order of the module.
	Imports []Import
	// Uses lists the capabilities that the imports need, in the order of the ABI.
	Uses []Use
	// Warnings do not keep the module from loading. In Warnings and Problem, names are escaped for a terminal; in
	// Exports and Imports they are as in the module.
	Warnings []string
	// Problem is the reason why the module would not load. It is empty if the module would load.
	Problem string

	hooks []abi.Hook
}

// MemoryInfo is the size of a linear memory, in pages of 64 KiB.
type MemoryInfo struct {
	MinPages uint32
	// MaxPages is 0 if the module does not limit its memory.
	MaxPages uint32
}

// Export is a function or memory that the module exports.
type Export struct {
	Name string
	// Type is a signature such as "(i64, i32) -> i32", or "memory".
	Type string
}

// Import is a function that the module imports.
type Import struct {
	Module string
	Name   string
	Type   string
	// Doc describes the function. It is empty for functions of WASI, and for functions that the host does not have.
	Doc string
	// Known is true if the host has the function with this signature.
	Known bool
}

// Inspect describes a module without running it. Bytes that are not a module, and modules that would not load, are no
// error: Info.Problem has the reason. The only error is that of ctx.
func Inspect(ctx context.Context, wasm []byte) (*Info, error) {
	refuse := func(err error) (*Info, error) {
		return &Info{Size: len(wasm), Version: VersionID(sha256.Sum256(wasm)), Problem: err.Error()}, nil
	}
	var o Options
	o.MaxModule, o.MemoryLimit = max(DefaultMaxModule, int64(len(wasm))), maxMemory // exceeding the defaults is a warning
	scanned, err := scanModule(wasm, o.scanLimits())
	if err != nil {
		return refuse(err)
	}
	// The interpreter decodes and validates like the compiler, in less time.
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features(Fuel)))
	defer rt.Close(ctx)
	m, err := compileModule(ctx, rt, cutNames(wasm, scanned))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return refuse(err)
	}
	defer m.Close(ctx)
	info := describe(m, wasm, false)
	if n := int64(info.Memory.MinPages) * wasmPage; n > DefaultMemoryLimit {
		info.addWarning("it starts with %d MiB of memory, and the limit is %d MiB unless a route sets another",
			n>>20, DefaultMemoryLimit>>20)
	}
	if n := int64(len(wasm)); n > DefaultMaxModule {
		info.addWarning("the file has %d bytes, and the limit is %d unless a route sets another", n, DefaultMaxModule)
	}
	return info, nil
}

// describe returns the Info of a compiled module, with the result of the validation. metered is true if m was compiled
// from metered code; wasm is the module without metering.
func describe(m wazero.CompiledModule, wasm []byte, metered bool) *Info {
	sum := sha256.Sum256(wasm)
	info := &Info{Size: len(wasm), Version: VersionID(sum)}
	for name, f := range m.ExportedFunctions() {
		info.Exports = append(info.Exports, Export{name, signature(f.ParamTypes(), f.ResultTypes())})
	}
	for name, def := range m.ExportedMemories() {
		info.Exports = append(info.Exports, Export{name, "memory"})
		info.Memory.MinPages = def.Min()
		if max, ok := def.Max(); ok {
			info.Memory.MaxPages = max
		}
	}
	slices.SortFunc(info.Exports, func(a, b Export) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range importedFunctions(m, metered) {
		module, name, _ := f.Import()
		im := Import{Module: module, Name: name, Type: signature(f.ParamTypes(), f.ResultTypes())}
		if def, ok := abi.ImportByName(name); ok && module == abi.Module {
			im.Doc = def.Doc
		}
		info.Imports = append(info.Imports, im)
	}
	v := validator{info: info}
	v.validateModule(m)
	v.collectUses(wasm)
	info.Problem = strings.Join(v.problems, "; ")
	for _, h := range info.hooks {
		info.Hooks = append(info.Hooks, h.String())
	}
	return info
}

// importedFunctions returns the imports of the module, without the one that metering adds.
func importedFunctions(m wazero.CompiledModule, metered bool) []api.FunctionDefinition {
	return slices.DeleteFunc(m.ImportedFunctions(), func(f api.FunctionDefinition) bool {
		module, name, _ := f.Import()
		return metered && module == meterModule && name == meterSpend
	})
}

func (i *Info) addWarning(format string, args ...any) {
	i.Warnings = appendMessage(i.Warnings, format, args...)
}

// signature returns a function type in the notation of sdk/ABI.md.
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

// explainCompile returns an error that names the probable kind of a file that does not compile. err is the error of
// the compiler or of the scan.
func explainCompile(wasm []byte, err error) error {
	hasPrefix := func(s string) bool { return bytes.HasPrefix(wasm, []byte(s)) }
	switch {
	case len(wasm) == 0:
		return errors.New("the file is empty")
	case hasPrefix("\x00asm\x0d\x00\x01\x00"):
		return errors.New("this is a WebAssembly component, and azuhost runs core modules: " +
			"build for wasm32-wasip1 or wasm32-unknown-unknown, not wasm32-wasip2")
	case bytes.HasPrefix(bytes.TrimSpace(wasm), []byte("(module")):
		return errors.New("this is WebAssembly text: make a module of it with wat2wasm")
	case !hasPrefix("\x00asm"):
		return errors.New("this is not a WebAssembly module: it does not begin with \\0asm")
	case strings.Contains(err.Error(), "over limit of"):
		return fmt.Errorf("the module needs more memory than the route allows; raise limits.memory: %w", err)
	}
	return fmt.Errorf("not a valid module: %w", err)
}
