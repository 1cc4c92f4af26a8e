package link

import (
	"fmt"
	"slices"

	"github.com/azuhost/azuhost/internal/wasm"
)

// Code writes the body of an added function. Its methods append one instruction each, and return the Code, so that
// calls can be chained. The first error makes Link fail.
type Code struct {
	l   *Linker
	b   []byte
	err error
}

// Opcodes (5.4 of the WebAssembly specification) that are used more than once.
const (
	opCall       = 0x10
	opEnd        = 0x0b
	opI32Const   = 0x41
	opMiscPrefix = 0xfc // of saturating conversions and bulk instructions
)

func (c *Code) op(b ...byte) *Code {
	c.b = append(c.b, b...)
	return c
}

// Get pushes a local. Parameters are the first locals.
func (c *Code) Get(local int) *Code { return c.indexed(0x20, uint32(local)) }

// Set pops a value into a local.
func (c *Code) Set(local int) *Code { return c.indexed(0x21, uint32(local)) }

// Tee copies the value on top of the stack into a local.
func (c *Code) Tee(local int) *Code { return c.indexed(0x22, uint32(local)) }

// GetGlobal pushes a global that Linker.Global has added.
func (c *Code) GetGlobal(name string) *Code { return c.global(0x23, name) }

// SetGlobal pops a value into a global that Linker.Global has added.
func (c *Code) SetGlobal(name string) *Code { return c.global(0x24, name) }

func (c *Code) global(op byte, name string) *Code {
	i := slices.Index(c.l.globals, name)
	if i < 0 {
		c.err = fmt.Errorf("there is no global %s", name)
	}
	return c.indexed(op, uint32(len(c.l.base.Globals)+i))
}

func (c *Code) indexed(op byte, i uint32) *Code {
	c.b = wasm.AppendU32(append(c.b, op), i)
	return c
}

// I32 pushes a constant.
func (c *Code) I32(v int32) *Code {
	c.b = wasm.AppendSigned(append(c.b, opI32Const), int64(v))
	return c
}

// I64 pushes a constant.
func (c *Code) I64(v int64) *Code {
	c.b = wasm.AppendSigned(append(c.b, 0x42), v)
	return c
}

// Call calls a function: an added one, one that the base exports, or an import, as "module.name".
func (c *Code) Call(name string) *Code {
	i, err := c.l.lookup(name)
	if err != nil {
		c.err = err
	}
	return c.indexed(opCall, i)
}

// Load pops an address, and pushes the i32 at that address plus offset. The other loads and the stores are alike.
func (c *Code) Load(offset uint32) *Code { return c.memory(0x28, 2, offset) }

// Load8 loads a byte as an i32.
func (c *Code) Load8(offset uint32) *Code { return c.memory(0x2d, 0, offset) }

// LoadI64 loads an i64.
func (c *Code) LoadI64(offset uint32) *Code { return c.memory(0x29, 0, offset) }

// Store stores an i32.
func (c *Code) Store(offset uint32) *Code { return c.memory(0x36, 2, offset) }

// StoreI64 stores an i64.
func (c *Code) StoreI64(offset uint32) *Code { return c.memory(0x37, 3, offset) }

// Store8 stores the low byte of an i32.
func (c *Code) Store8(offset uint32) *Code { return c.memory(0x3a, 0, offset) }

func (c *Code) memory(op, align byte, offset uint32) *Code {
	c.b = wasm.AppendU32(append(c.b, op, align), offset)
	return c
}

// MemoryInit pops an address, an offset in a passive data segment and a length, and copies from the segment to memory.
func (c *Code) MemoryInit(segment uint32) *Code {
	c.b = append(wasm.AppendU32(append(c.b, opMiscPrefix, 8), segment), 0)
	return c
}

// noResult is the type of a block without parameters and results.
const noResult = 0x40

// Block begins a block without a result.
func (c *Code) Block() *Code { return c.op(0x02, noResult) }

// Loop begins a loop.
func (c *Code) Loop() *Code { return c.op(0x03, noResult) }

// If pops an i32, and begins a block that runs if it is not 0.
func (c *Code) If() *Code { return c.op(0x04, noResult) }

// Else begins the block that runs if the i32 of If is 0.
func (c *Code) Else() *Code { return c.op(0x05) }

// End ends a block, a loop or an if.
func (c *Code) End() *Code { return c.op(opEnd) }

// Br leaves the block that is level blocks further out, or repeats it if it is a loop. 0 is the innermost block.
func (c *Code) Br(level uint32) *Code { return c.indexed(0x0c, level) }

// BrIf pops an i32, and branches like Br if it is not 0.
func (c *Code) BrIf(level uint32) *Code { return c.indexed(0x0d, level) }

// BrTable pops an i32, and branches to the block of that level, or of level n if the i32 is larger.
func (c *Code) BrTable(n uint32) *Code {
	c.b = wasm.AppendU32(append(c.b, 0x0e), n)
	for i := range n {
		c.b = wasm.AppendU32(c.b, i)
	}
	c.b = wasm.AppendU32(c.b, n)
	return c
}

// Return returns the values on the stack.
func (c *Code) Return() *Code { return c.op(0x0f) }

// Trap traps.
func (c *Code) Trap() *Code { return c.op(0x00) }

// Drop drops a value.
func (c *Code) Drop() *Code { return c.op(0x1a) }

// The methods below are the numeric instructions of their names.

func (c *Code) I32Eqz() *Code          { return c.op(0x45) }
func (c *Code) I32Eq() *Code           { return c.op(0x46) }
func (c *Code) I32LtS() *Code          { return c.op(0x48) }
func (c *Code) I32GtU() *Code          { return c.op(0x4b) }
func (c *Code) I32GtS() *Code          { return c.op(0x4a) }
func (c *Code) I32Add() *Code          { return c.op(0x6a) }
func (c *Code) I32Sub() *Code          { return c.op(0x6b) }
func (c *Code) I32And() *Code          { return c.op(0x71) }
func (c *Code) I32Or() *Code           { return c.op(0x72) }
func (c *Code) I32WrapI64() *Code      { return c.op(0xa7) }
func (c *Code) I64ExtendI32U() *Code   { return c.op(0xad) }
func (c *Code) I64Add() *Code          { return c.op(0x7c) }
func (c *Code) I64GtU() *Code          { return c.op(0x56) }
func (c *Code) I64Eqz() *Code          { return c.op(0x50) }
func (c *Code) I64Eq() *Code           { return c.op(0x51) }
func (c *Code) I64And() *Code          { return c.op(0x83) }
func (c *Code) I64Or() *Code           { return c.op(0x84) }
func (c *Code) I64Shl() *Code          { return c.op(0x86) }
func (c *Code) I64ShrU() *Code         { return c.op(0x88) }
func (c *Code) F64ConvertI32S() *Code  { return c.op(0xb7) }
func (c *Code) F64ConvertI64S() *Code  { return c.op(0xb9) }
func (c *Code) I32TruncSatF64S() *Code { return c.op(opMiscPrefix, 2) }
func (c *Code) I64TruncSatF64S() *Code { return c.op(opMiscPrefix, 6) }
