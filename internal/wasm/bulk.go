package wasm

import "math"

// Nothing can interrupt a bulk instruction on memory. So functions that Meter adds run those of more than a chunk: they
// check the bounds first, as the instruction does, and then charge and run one chunk after the other.

// defaultChunk takes well under a millisecond.
const defaultChunk = 1 << 20

// bulkKey identifies an added function by the instruction that it replaces.
type bulkKey struct {
	op      opcode
	segment uint32 // of a memory.init
}

// Parameters of an added function: the operands of the instruction.
const (
	bulkTo   uint32 = 0
	bulkFrom uint32 = 1 // memory.fill: the value
	bulkSize uint32 = 2
)

// roundChunk returns the size of chunks for MeterOptions.BulkChunk. It is a multiple of the bytes that cost one fuel,
// so that all chunks together cost as much as the instruction.
func roundChunk(bytes uint32) uint32 {
	const unit = 1 << costBytesLog
	if bytes == 0 {
		bytes = defaultChunk
	}
	return min(max(bytes, unit), math.MaxInt32) / unit * unit
}

// needsChunks reports whether an instruction can be larger than a chunk. A memory.init cannot if its segment is not.
func (w *writer) needsChunks(in *instruction) bool {
	switch in.op {
	case opMemoryFill, opMemoryCopy:
		return true
	case opMemoryInit:
		return w.p.m.dataSizes[in.a] > w.o.BulkChunk
	}
	return false
}

// bulkFunction returns the index of the function that runs an instruction in chunks. It adds the function if needed.
func (w *writer) bulkFunction(in *instruction) uint32 {
	key := bulkKey{op: in.op}
	if in.op == opMemoryInit {
		key.segment = in.a
	}
	index, ok := w.bulkFunctions[key]
	if !ok {
		if len(w.bulkFunctions) == 0 {
			w.bulkType = w.addType(FuncType{Params: []ValueType{I32, I32, I32}})
		}
		index = w.callback + 1 + uint32(len(w.p.functions)+len(w.bulkFunctions))
		w.bulkFunctions[key] = index
		w.bulkBodies = append(w.bulkBodies, w.bulkBody(key))
	}
	return index
}

// emitChunked writes an instruction whose size is on top of the stack: a call of its function if the size is more
// than a chunk, and the instruction otherwise.
func (e *emitter) emitChunked(in *instruction) {
	index := e.bulkFunction(in)
	e.out = op1(e.out, opLocalTee, e.size)
	e.get(e.size)
	e.chunk()
	e.out = append(e.out, byte(opI32GtU), byte(opIf))
	e.out = AppendSigned(e.out, int64(e.bulkType))
	e.out = append(op1(e.out, opCall, index), byte(opElse))
	e.emitSizeCharge(in)
	e.out = append(append(e.out, e.b[in.at:e.reader.p]...), byte(opEnd))
}

// bulkBody returns the body of an added function, which is called for more than a chunk.
func (w *writer) bulkBody(key bulkKey) []byte {
	e := emitter{writer: w, size: bulkSize}
	e.out = append(e.out, 0) // locals
	e.runWholeIf(key, func() { e.beyondMemory(bulkTo) })
	switch key.op {
	case opMemoryCopy:
		e.runWholeIf(key, func() { e.beyondMemory(bulkFrom) })
		// memory.copy reads the whole source before it writes. So chunks go upwards, or downwards where writing a chunk would
		// overwrite the rest of the source.
		e.get(bulkTo)
		e.get(bulkFrom)
		e.out = append(e.out, byte(opI32LeU), byte(opIf), noResult)
		e.upwards(key)
		e.out = append(e.out, byte(opElse))
		e.downwards(key)
		e.out = append(e.out, byte(opEnd))
	case opMemoryInit:
		e.runWholeIf(key, func() {
			e.end64(bulkFrom)
			e.out = AppendSigned(append(e.out, byte(opI64Const)), int64(w.p.m.dataSizes[key.segment]))
			e.out = append(e.out, byte(opI64GtU))
		})
		// The size of a segment that was dropped is 0. This traps then, unless the offset is 0; with 0, the first chunk
		// traps.
		e.out = append(e.out, byte(opI32Const), 0)
		e.get(bulkFrom)
		e.out = append(e.out, byte(opI32Const), 0)
		e.instruction(key)
		e.upwards(key)
	default:
		e.upwards(key)
	}
	e.operands()
	e.emitSizeCharge(&instruction{op: key.op})
	e.instruction(key)
	return append(e.out, byte(opEnd))
}

// runWholeIf runs the whole instruction if the value that condition leaves is not 0. It then traps, and writes nothing.
func (e *emitter) runWholeIf(key bulkKey, condition func()) {
	condition()
	e.out = append(e.out, byte(opIf), noResult)
	e.operands()
	e.instruction(key)
	e.out = append(e.out, byte(opEnd))
}

// beyondMemory leaves 1 if the bytes from an address on are not all in the memory.
func (e *emitter) beyondMemory(address uint32) {
	e.end64(address)
	e.out = append(e.out, byte(opMemorySize), 0, byte(opI64ExtendU))
	e.out = append(e.out, byte(opI64Const), 16, byte(opI64Shl), byte(opI64GtU))
}

// end64 leaves an offset plus the size, as an i64.
func (e *emitter) end64(offset uint32) {
	e.get(offset)
	e.out = append(e.out, byte(opI64ExtendU))
	e.get(bulkSize)
	e.out = append(e.out, byte(opI64ExtendU), byte(opI64Add))
}

// upwards runs chunks from the beginning until at most a chunk is left.
func (e *emitter) upwards(key bulkKey) {
	e.out = append(e.out, byte(opLoop), noResult)
	e.chargeChunk()
	e.get(bulkTo)
	e.get(bulkFrom)
	e.chunk()
	e.instruction(key)
	e.moveByChunk(bulkTo, opI32Add)
	if key.op != opMemoryFill {
		e.moveByChunk(bulkFrom, opI32Add)
	}
	e.moveByChunk(bulkSize, opI32Sub)
	e.endLoop()
}

// downwards runs chunks from the end until at most a chunk is left.
func (e *emitter) downwards(key bulkKey) {
	e.out = append(e.out, byte(opLoop), noResult)
	e.chargeChunk()
	e.moveByChunk(bulkSize, opI32Sub)
	for _, offset := range []uint32{bulkTo, bulkFrom} {
		e.get(offset)
		e.get(bulkSize)
		e.out = append(e.out, byte(opI32Add))
	}
	e.chunk()
	e.instruction(key)
	e.endLoop()
}

// endLoop repeats the loop while more than a chunk is left, and ends it.
func (e *emitter) endLoop() {
	e.get(bulkSize)
	e.chunk()
	e.out = append(e.out, byte(opI32GtU), byte(opBrIf), 0, byte(opEnd))
}

// chargeChunk charges the cost by size of one chunk.
func (e *emitter) chargeChunk() {
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.out = AppendSigned(append(e.out, byte(opI64Const)), int64(e.o.BulkChunk>>costBytesLog))
	e.emitSubtract()
	e.emitFuelCheck()
}

// moveByChunk adds a chunk to a parameter, or subtracts it.
func (e *emitter) moveByChunk(parameter uint32, op opcode) {
	e.get(parameter)
	e.chunk()
	e.out = op1(append(e.out, byte(op)), opLocalSet, parameter)
}

// operands leaves the parameters.
func (e *emitter) operands() {
	e.get(bulkTo)
	e.get(bulkFrom)
	e.get(bulkSize)
}

// get leaves a local.
func (e *emitter) get(local uint32) { e.out = op1(e.out, opLocalGet, local) }

// chunk leaves the size of a chunk.
func (e *emitter) chunk() {
	e.out = AppendSigned(append(e.out, byte(opI32Const)), int64(e.o.BulkChunk))
}

// instruction writes the instruction itself.
func (e *emitter) instruction(key bulkKey) {
	e.out = AppendU32(append(e.out, byte(key.op>>8)), uint32(key.op&0xff))
	switch key.op {
	case opMemoryInit:
		e.out = append(AppendU32(e.out, key.segment), 0)
	case opMemoryCopy:
		e.out = append(e.out, 0, 0)
	default:
		e.out = append(e.out, 0)
	}
}
