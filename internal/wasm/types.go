package wasm

import (
	"fmt"
	"slices"
)

// ValueType is the type of a value, in its encoding.
type ValueType byte

// Value types (WebAssembly 2.0, 5.3.1 to 5.3.4).
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("type(%#x)", byte(t))
}

// FuncType is the signature of a function.
type FuncType struct {
	Params, Results []ValueType
}

func (t FuncType) String() string { return fmt.Sprintf("%v -> %v", t.Params, t.Results) }

// Equal reports whether both signatures have the same parameters and results.
func (t FuncType) Equal(other FuncType) bool {
	return slices.Equal(t.Params, other.Params) && slices.Equal(t.Results, other.Results)
}

// Kind is the kind of an import or an export, in its encoding (5.5.5).
type Kind byte

// Kinds.
const (
	Func Kind = iota
	TableKind
	MemoryKind
	GlobalKind
)

func (k Kind) String() string {
	switch k {
	case Func:
		return "func"
	case TableKind:
		return "table"
	case MemoryKind:
		return "memory"
	case GlobalKind:
		return "global"
	}
	return fmt.Sprintf("kind(%d)", byte(k))
}

// Table is a table of a module. Sizes are in elements.
type Table struct {
	Elem   ValueType // FuncRef or ExternRef
	Min    uint32
	Max    uint32 // valid if HasMax
	HasMax bool
	// Grows is true if the code has a table.grow for the table.
	Grows bool
}

// Memory is the memory of a module. Sizes are in pages of 64 KiB.
type Memory struct {
	Min    uint32
	Max    uint32 // valid if HasMax
	HasMax bool
}

// Global is the type of a global.
type Global struct {
	Type    ValueType
	Mutable bool
}

// Import is an import of a module. Kind selects the one field that is set: Type, Table, Memory or Global.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         FuncType
	Table        Table
	Memory       Memory
	Global       Global
}

// Export is an export of a module. Index counts within Kind, imports first. Type is set for a function, Global for a
// global.
type Export struct {
	Name   string
	Kind   Kind
	Index  uint32
	Type   FuncType
	Global Global
}

// FuncName is the name of a function in the name section. Index counts imports first.
type FuncName struct {
	Index uint32
	Name  string
}
