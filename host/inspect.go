package host

import (
	"context"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Capability names a group of host functions that a route allows or not.
// [abi.Capabilities] is the table of them.
type Capability = abi.Capability

// Info describes a plugin's module.
type Info struct {
	// Size is the size of the file in bytes.
	Size int `json:"size"`
	// Version identifies the module in logs and metrics. It is a hash of the file.
	Version string `json:"version"`
	// ABI is the major version of the ABI that the module speaks. 0: none was found.
	ABI int `json:"abi"`
	// Memory is the memory of an instance.
	Memory MemoryInfo `json:"memory"`
	// Hooks lists the hooks that the module handles, in the order of the ABI.
	Hooks []string `json:"hooks"`
	// Exports lists the exported functions and memories, sorted by name.
	Exports []Export `json:"exports"`
	// Imports lists the imported functions in the order of the module.
	Imports []Import `json:"imports"`
	// Uses lists the capabilities that the imports need, in the order of the ABI.
	Uses []CapabilityUse `json:"capabilities"`
	// Warnings are safe to print to a terminal. They do not keep the module from
	// loading. Names in Exports and Imports are as in the module.
	Warnings []string `json:"warnings,omitempty"`
	// Problem says why the module would not load. Empty: it would. It is safe to
	// print to a terminal.
	Problem string `json:"problem,omitempty"`

	module *plugin.Info
}

// MemoryInfo is the size of a linear memory, in pages of 64 KiB.
type MemoryInfo struct {
	MinPages uint32 `json:"min_pages"`
	// MaxPages is 0 for a memory without a maximum.
	MaxPages uint32 `json:"max_pages,omitempty"`
}

// Export is an export of a module.
type Export struct {
	Name string `json:"name"`
	// Type is a signature such as "(i64, i32) -> i32", or "memory".
	Type string `json:"type"`
}

// Import is a function that a module imports.
type Import struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	// Doc describes the function. It is empty for WASI and for unknown functions.
	Doc string `json:"doc,omitempty"`
	// Known reports whether the host has the function with this signature.
	Known bool `json:"known"`
}

// CapabilityUse is a capability that a module needs.
type CapabilityUse struct {
	Name Capability `json:"name"`
	// Optional reports whether the module's manifest allows to withhold it.
	Optional bool `json:"optional,omitempty"`
	// Imports lists the functions that need the capability, such as "azu.send".
	Imports []string `json:"imports"`
	Doc     string   `json:"doc"`
}

// Inspect describes a module without running it. For bytes that are no module, or
// one that would not load, Info.Problem is set. The error is that of ctx.
func Inspect(ctx context.Context, wasm []byte) (*Info, error) {
	m, err := plugin.Inspect(ctx, wasm)
	if err != nil {
		return nil, err
	}
	return &Info{
		Size: m.Size, Version: m.Version, ABI: m.ABI, Memory: MemoryInfo(m.Memory), Hooks: m.Hooks,
		Exports:  convert(m.Exports, func(e plugin.Export) Export { return Export(e) }),
		Imports:  convert(m.Imports, func(i plugin.Import) Import { return Import(i) }),
		Uses:     convert(m.Uses, func(u plugin.Use) CapabilityUse { return CapabilityUse(u) }),
		Warnings: m.Warnings, Problem: m.Problem, module: m,
	}, nil
}

// convert converts the elements of a list. A nil list stays nil, which is null in JSON.
func convert[S, T any](list []S, f func(S) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, 0, len(list))
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

// Denied returns the optional capabilities that a route with an allow list would
// withhold from the module. The error names those that it withholds and the module
// needs, with which the module would not load. A nil list allows everything.
func (i *Info) Denied(allow []Capability) ([]Capability, error) { return i.module.Denied(allow) }
