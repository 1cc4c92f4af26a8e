package hostile

import (
	"bytes"
	"slices"
)

// Opcodes of the WebAssembly core specification 2.0, section 5.4.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opEnd         = 0x0b
	opBranch      = 0x0c
	opBranchIf    = 0x0d
	opCall        = 0x10
	opReturnCall  = 0x12 // of the tail-call proposal
	opDrop        = 0x1a
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opI32Const    = 0x41
	opI64Const    = 0x42
	opI32GtU      = 0x4b
	opI32Add      = 0x6a
	opRefNull     = 0xd0
	opPrefix      = 0xfc
	memoryCopy    = 10 // after opPrefix
	memoryFill    = 11
	tableFill     = 17

	typeI32     = 0x7f
	typeI64     = 0x7e
	typeFuncref = 0x70
	typeFunc    = 0x60
	typeEmpty   = 0x40 // of a block without a result
)

// The parameters of on_message: the locals 0 to 2 of its function. Its own locals follow.
const (
	paramConn = iota
	paramLen
	paramKind
	firstLocal
)

// code is the code of a function, without the end.
type code = []byte

// leb encodes n, which is not negative, as unsigned LEB128.
func leb(n int) []byte {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

// i32Const pushes n, which is not negative. It encodes n as signed LEB128.
func i32Const(n int) code {
	out := code{opI32Const}
	for ; n >= 0x40; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

// repeat is straight-line code: n copies of an instruction.
func repeat(n int, instruction code) code { return bytes.Repeat(instruction, n) }

// endless repeats the body without end.
func endless(body code) code {
	return slices.Concat(code{opLoop, typeEmpty}, body, code{opBranch, 0, opEnd})
}

// fillMemory fills the first n bytes of the memory.
func fillMemory(n int) code {
	return slices.Concat(i32Const(0), i32Const(1), i32Const(n), code{opPrefix, memoryFill, 0})
}

// copyMemory copies the second n bytes of the memory to the first.
func copyMemory(n int) code {
	return slices.Concat(i32Const(0), i32Const(n), i32Const(n), code{opPrefix, memoryCopy, 0, 0})
}

// fillTable fills the first n elements of the table.
func fillTable(n int) code {
	return slices.Concat(i32Const(0), code{opRefNull, typeFuncref}, i32Const(n), code{opPrefix, tableFill, 0})
}

// nestedBlocks has n blocks, each inside the one before.
func nestedBlocks(n int) code {
	return append(bytes.Repeat(code{opBlock, typeEmpty}, n), bytes.Repeat(code{opEnd}, n)...)
}

// branches has n conditional branches out of one block.
func branches(n int) code {
	branch := code{opLocalGet, paramLen, opBranchIf, 0}
	return slices.Concat(code{opBlock, typeEmpty}, bytes.Repeat(branch, n), code{opEnd})
}

// nestedLoops has n loops, each inside the one before. The innermost sets each local from another one, so that every
// local may change in every loop.
func nestedLoops(n, locals int) code {
	out := bytes.Repeat(code{opLoop, typeEmpty}, n)
	for i := range locals {
		out = slices.Concat(out, code{opLocalGet}, leb(firstLocal+i), code{opLocalSet}, leb(firstLocal+(i*7)%locals))
	}
	return append(out, bytes.Repeat(code{opI32Const, 0, opBranchIf, 0, opEnd}, n)...)
}

// liveLocals sets locals, runs n blocks with two ways to their end, and then reads the locals, which are live in all
// blocks.
func liveLocals(n, locals int) code {
	var sets, reads code
	for i := range locals {
		sets = slices.Concat(sets, code{opLocalGet, paramLen, opLocalSet}, leb(firstLocal+i))
		reads = slices.Concat(reads, code{opLocalGet}, leb(firstLocal+i), code{opDrop})
	}
	block := code{opBlock, typeEmpty, opLocalGet, paramLen, opBranchIf, 0, opEnd}
	return slices.Concat(sets, bytes.Repeat(block, n), reads)
}

// tailCall makes on_message call itself with its own parameters, in place of its own frame.
func tailCall() code {
	return code{opLocalGet, paramConn, opLocalGet, paramLen, opLocalGet, paramKind, opReturnCall, onMessageIndex}
}

// recurseAndTrap makes on_message call itself to a depth of 100, and trap there.
func recurseAndTrap() code {
	return slices.Concat(
		code{opLocalGet, paramKind}, i32Const(100), code{opI32GtU, opIf, typeEmpty, opUnreachable, opEnd},
		code{opLocalGet, paramConn, opLocalGet, paramLen, opLocalGet, paramKind}, i32Const(1),
		code{opI32Add, opCall, onMessageIndex, opDrop},
	)
}
