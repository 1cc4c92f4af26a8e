package wasm

import "math"

// Bulk instructions on memory run in machine code that nothing interrupts. So those
// over a chunk are done by functions that Meter adds: they look at the bounds first, as the
// instruction does, and then pay for, and do, a chunk at a time.

// defaultChunk takes well under a millisecond.
const defaultChunk = 1 << 20

// chunked says whether an instruction may be larger than a chunk: a
// memory.init can not if its segment is not.
func (w *writer) chunked(in *instruction) bool {
	switch in.op {
	case opMemoryFill, opMemoryCopy:
		return true
	case opMemoryInit:
		return w.p.m.dataSizes[in.a] > w.o.BulkChunk
	}
	return false
}

// helper is an added function, by the instruction that it stands for.
type helper struct {
	op      opcode
	segment uint32 // of a memory.init
}

// helper returns the index of the function that does an instruction in chunks.
func (w *writer) helper(in *instruction) uint32 {
	h := helper{op: in.op}
	if in.op == opMemoryInit {
		h.segment = in.a
	}
	index, ok := w.helpers[h]
	if !ok {
		if len(w.helpers) == 0 {
			w.helperType = w.addType([]ValueType{I32, I32, I32}, nil)
		}
		index = w.hook + 1 + uint32(len(w.p.functions)+len(w.helpers))
		w.helpers[h] = index
		w.helperBodies = append(w.helperBodies, w.helperBody(h))
	}
	return index
}

// Parameters of a helper, which are the operands of the instruction.
const (
	helperTo, helperFrom, helperSize = 0, 1, 2 // from: of a memory.fill the value
)

// helperBody writes a helper. It is called with more than a chunk.
func (w *writer) helperBody(h helper) []byte {
	e := emitter{writer: w, size: helperSize}
	e.out = append(e.out, 0) // locals
	e.whole(h, func() { e.beyondMemory(helperTo) })
	switch h.op {
	case opMemoryCopy:
		e.whole(h, func() { e.beyondMemory(helperFrom) })
		// As if the source was read before anything is written: upwards, or
		// downwards where the upper part of the source would be overwritten.
		e.get(helperTo)
		e.get(helperFrom)
		e.out = append(e.out, byte(opI32LeU), byte(opIf), 0x40)
		e.upwards(h)
		e.out = append(e.out, byte(opElse))
		e.downwards(h)
		e.out = append(e.out, byte(opEnd))
	case opMemoryInit:
		e.whole(h, func() {
			e.end64(helperFrom)
			e.out = appendSigned(append(e.out, byte(opI64Const)), int64(w.p.m.dataSizes[h.segment]))
			e.out = append(e.out, byte(opI64GtU))
		})
		// Of a segment that was dropped, nothing at its end is out of bounds.
		e.out = append(e.out, byte(opI32Const), 0)
		e.get(helperFrom)
		e.out = append(e.out, byte(opI32Const), 0)
		e.bulk(h)
		e.upwards(h)
	default:
		e.upwards(h)
	}
	e.get(helperTo)
	e.get(helperFrom)
	e.get(helperSize)
	e.paySize(&instruction{op: h.op})
	e.bulk(h)
	return append(e.out, byte(opEnd))
}

// whole does the instruction as it is if what cond leaves is not 0: it traps, and
// nothing is written.
func (e *emitter) whole(h helper, cond func()) {
	cond()
	e.out = append(e.out, byte(opIf), 0x40)
	e.get(helperTo)
	e.get(helperFrom)
	e.get(helperSize)
	e.bulk(h)
	e.out = append(e.out, byte(opEnd))
}

// beyondMemory leaves 1 if the size from an address on is not all in the memory.
func (e *emitter) beyondMemory(address uint32) {
	e.end64(address)
	e.out = append(e.out, byte(opMemorySize), 0, byte(opI64ExtendU), byte(opI64Const), 16, byte(opI64Shl), byte(opI64GtU))
}

// end64 leaves a place plus the size, in 64 bits.
func (e *emitter) end64(place uint32) {
	e.get(place)
	e.out = append(e.out, byte(opI64ExtendU))
	e.get(helperSize)
	e.out = append(e.out, byte(opI64ExtendU), byte(opI64Add))
}

// upwards does chunks from the beginning on, until a chunk or less is left.
func (e *emitter) upwards(h helper) {
	e.out = append(e.out, byte(opLoop), 0x40)
	e.payChunk()
	e.get(helperTo)
	e.get(helperFrom)
	e.chunk()
	e.bulk(h)
	e.move(helperTo, opI32Add)
	if h.op != opMemoryFill {
		e.move(helperFrom, opI32Add)
	}
	e.move(helperSize, opI32Sub)
	e.again()
}

// downwards does chunks from the end on.
func (e *emitter) downwards(h helper) {
	e.out = append(e.out, byte(opLoop), 0x40)
	e.payChunk()
	e.move(helperSize, opI32Sub)
	for _, place := range []uint32{helperTo, helperFrom} {
		e.get(place)
		e.get(helperSize)
		e.out = append(e.out, byte(opI32Add))
	}
	e.chunk()
	e.bulk(h)
	e.again()
}

// again goes on with the loop while there is more than a chunk, and ends it.
func (e *emitter) again() {
	e.get(helperSize)
	e.chunk()
	e.out = append(e.out, byte(opI32GtU), byte(opBrIf), 0, byte(opEnd))
}

// payChunk costs what the instruction would for these bytes.
func (e *emitter) payChunk() {
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.out = appendSigned(append(e.out, byte(opI64Const)), int64(e.o.BulkChunk>>costBytes))
	e.subtract()
	e.checkFuel()
}

// move adds a chunk to a parameter, or takes it off.
func (e *emitter) move(place uint32, op opcode) {
	e.get(place)
	e.chunk()
	e.out = op1(append(e.out, byte(op)), opLocalSet, place)
}

func (e *emitter) get(local uint32) { e.out = op1(e.out, opLocalGet, local) }

func (e *emitter) chunk() {
	e.out = appendSigned(append(e.out, byte(opI32Const)), int64(e.o.BulkChunk))
}

// bulk writes the instruction itself.
func (e *emitter) bulk(h helper) {
	e.out = appendU32(append(e.out, byte(h.op>>8)), uint32(h.op&0xff))
	switch h.op {
	case opMemoryInit:
		e.out = append(appendU32(e.out, h.segment), 0)
	case opMemoryCopy:
		e.out = append(e.out, 0, 0)
	default:
		e.out = append(e.out, 0)
	}
}

// inChunks writes an instruction whose size is on top of the stack: a call of its
// helper if it is over a chunk.
func (e *emitter) inChunks(in *instruction) {
	index := e.helper(in)
	e.out = op1(e.out, opLocalTee, e.size)
	e.get(e.size)
	e.chunk()
	e.out = append(e.out, byte(opI32GtU), byte(opIf))
	e.out = appendSigned(e.out, int64(e.helperType))
	e.out = append(op1(e.out, opCall, index), byte(opElse))
	e.paySize(in)
	e.out = append(append(e.out, e.b[in.at:e.reader.p]...), byte(opEnd))
}

// roundChunk makes a chunk one that costs the same at once and in parts.
func roundChunk(bytes uint32) uint32 {
	const unit = 1 << costBytes
	if bytes == 0 {
		bytes = defaultChunk
	}
	return min(max(bytes, unit), math.MaxInt32) / unit * unit
}
