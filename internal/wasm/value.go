package wasm

import "fmt"

// ValueType is a type of a value, as it is encoded.
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

// Kind says what an import or an export is.
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
	Max    uint32 // of interest when HasMax
	HasMax bool
	// Grows: the code has a table.grow for it.
	Grows bool
}

// Memory is the memory of a module. Sizes are in pages of 64 KiB.
type Memory struct {
	Min    uint32
	Max    uint32 // of interest when HasMax
	HasMax bool
}

// Global is the type of a global.
type Global struct {
	Type    ValueType
	Mutable bool
}

// Import is what a module wants from its host. Of Type, Table, Memory and
// Global the one that Kind names is set.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         FuncType
	Table        Table
	Memory       Memory
	Global       Global
}

// Export is what a module offers. Index counts within Kind, imports first. For
// a function, Type is its signature; for a global, Global is its type.
type Export struct {
	Name   string
	Kind   Kind
	Index  uint32
	Type   FuncType
	Global Global
}

// FuncName is the name that the name section gives a function. Index counts
// imports first.
type FuncName struct {
	Index uint32
	Name  string
}
