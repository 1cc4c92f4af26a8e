package plugin

import (
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The only import from module env: the function that AssemblyScript calls when a program throws.
const (
	envModule = "env"
	abortName = "abort"
)

var abortParams = []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}

func instantiateAbort(ctx context.Context, rt wazero.Runtime) error {
	b := rt.NewHostModuleBuilder(envModule)
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(hostAbort), abortParams, nil).Export(abortName)
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("%s.%s: %w", envModule, abortName, err)
	}
	return nil
}

// hostAbort implements abort(message, file, line, column).
func hostAbort(_ context.Context, mod api.Module, s []uint64) {
	mem := mod.Memory()
	panic(&abortError{text: fmt.Sprintf("%s at %s:%d:%d",
		assemblyScriptString(mem, uint32(s[0])), assemblyScriptString(mem, uint32(s[1])), uint32(s[2]), uint32(s[3]))})
}

// assemblyScriptString returns a string of AssemblyScript, escaped for a log. Such a string is UTF-16, and the 4 bytes
// before it are its size in bytes. The result is cut at 1 KiB of UTF-16, and "unknown" if ptr is not a string.
func assemblyScriptString(mem api.Memory, ptr uint32) string {
	if ptr < 4 {
		return "unknown"
	}
	size, ok := mem.ReadUint32Le(ptr - 4)
	if !ok {
		return "unknown"
	}
	raw, ok := mem.Read(ptr, min(size, 1<<10)&^1)
	if !ok {
		return "unknown"
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return escape([]byte(string(utf16.Decode(units))))
}
