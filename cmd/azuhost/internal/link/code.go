package link

import (
	"fmt"
	"slices"
)

// Code is the body of an added function while it is written. Instructions are
// methods; each returns the code, so that what belongs together stands in one
// line.
type Code struct {
	l      *Linker
	b      []byte
	params int
	err    error
}

const (
	opEnd      = 0x0b
	opI32Const = 0x41
)

func (c *Code) op(b ...byte) *Code {
	c.b = append(c.b, b...)
	return c
}

// Get reads a local; parameters come first.
func (c *Code) Get(local int) *Code { return c.indexed(0x20, uint32(local)) }

// Set writes a local.
func (c *Code) Set(local int) *Code { return c.indexed(0x21, uint32(local)) }

// Tee writes a local and leaves the value.
func (c *Code) Tee(local int) *Code { return c.indexed(0x22, uint32(local)) }

// GetGlobal reads a global that Global has added.
func (c *Code) GetGlobal(name string) *Code { return c.global(0x23, name) }

// SetGlobal writes it.
func (c *Code) SetGlobal(name string) *Code { return c.global(0x24, name) }

func (c *Code) global(op byte, name string) *Code {
	i := slices.Index(c.l.globals, name)
	if i < 0 {
		c.err = fmt.Errorf("there is no global %s", name)
	}
	return c.indexed(op, c.l.base.globals+uint32(i))
}

func (c *Code) indexed(op byte, i uint32) *Code {
	c.b = appendU32(append(c.b, op), i)
	return c
}

// I32 is a constant.
func (c *Code) I32(v int32) *Code {
	c.b = appendSigned(append(c.b, opI32Const), int64(v))
	return c
}

// I64 is a constant.
func (c *Code) I64(v int64) *Code {
	c.b = appendSigned(append(c.b, 0x42), v)
	return c
}

// Call calls a function: an added one, one that the base exports, or an
// import, as "module.name".
func (c *Code) Call(name string) *Code {
	i, ok := c.l.index[name]
	if !ok {
		c.err = fmt.Errorf("there is no function %s", name)
	}
	return c.indexed(opCall, i)
}

// Load reads the i32 at an address and an offset.
func (c *Code) Load(offset uint32) *Code { return c.memory(0x28, 2, offset) }

// Load8 reads a byte.
func (c *Code) Load8(offset uint32) *Code { return c.memory(0x2d, 0, offset) }

// LoadI64 reads an i64.
func (c *Code) LoadI64(offset uint32) *Code { return c.memory(0x29, 0, offset) }

// Store writes an i32.
func (c *Code) Store(offset uint32) *Code { return c.memory(0x36, 2, offset) }

// StoreI64 writes an i64.
func (c *Code) StoreI64(offset uint32) *Code { return c.memory(0x37, 3, offset) }

// Store8 writes a byte.
func (c *Code) Store8(offset uint32) *Code { return c.memory(0x3a, 0, offset) }

func (c *Code) memory(op, align byte, offset uint32) *Code {
	c.b = appendU32(append(c.b, op, align), offset)
	return c
}

// MemoryInit copies from a passive segment: address, offset in it, length.
func (c *Code) MemoryInit(segment uint32) *Code {
	c.b = append(appendU32(append(c.b, opBulk, 8), segment), 0)
	return c
}

const noResult = 0x40

// Block begins a block without a result; End ends it.
func (c *Code) Block() *Code { return c.op(0x02, noResult) }

// Loop begins a loop.
func (c *Code) Loop() *Code { return c.op(0x03, noResult) }

// If begins what runs if the i32 is not 0.
func (c *Code) If() *Code { return c.op(0x04, noResult) }

// Else begins the other case.
func (c *Code) Else() *Code { return c.op(0x05) }

// End ends a block, a loop or an if.
func (c *Code) End() *Code { return c.op(opEnd) }

// Br leaves, or for a loop repeats, the block so many levels up.
func (c *Code) Br(level uint32) *Code { return c.indexed(0x0c, level) }

// BrIf does so if the i32 is not 0.
func (c *Code) BrIf(level uint32) *Code { return c.indexed(0x0d, level) }

// BrTable leaves the block whose level is on the stack, from 0; n or more: the nth.
func (c *Code) BrTable(n uint32) *Code {
	c.b = appendU32(append(c.b, 0x0e), n)
	for i := range n {
		c.b = appendU32(c.b, i)
	}
	c.b = appendU32(c.b, n)
	return c
}

// Return returns what is on the stack.
func (c *Code) Return() *Code { return c.op(0x0f) }

// Trap ends the instance.
func (c *Code) Trap() *Code { return c.op(0x00) }

// Drop drops a value.
func (c *Code) Drop() *Code { return c.op(0x1a) }

// Arithmetic, by the names of the instructions.

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
func (c *Code) I32TruncSatF64S() *Code { return c.op(opBulk, 2) }
func (c *Code) I64TruncSatF64S() *Code { return c.op(opBulk, 6) }
