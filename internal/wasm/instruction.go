package wasm

// instruction is one instruction of a function or of a constant expression. Its immediate decides which fields are
// set.
type instruction struct {
	op opcode
	at int // offset of the first byte; the decoder is behind the last

	// a is the index of a label, function, type, local, global, table, data segment or element segment. b is the second
	// index: the table of call_indirect and table.init, the source of table.copy.
	a, b   uint32
	block  blockType
	labels []uint32 // of a br_table, its default last; valid until the next read
}

// blockType is the type of a block (5.4.1): the type index of the module, if indexed, or at most one result.
type blockType struct {
	indexed bool
	index   uint32
	result  ValueType // 0: none
}

// noResult encodes the type of a block without parameters and results.
const noResult = 0x40

// decoder reads instructions.
type decoder struct {
	reader
	maxLabels int
	labels    []uint32
}

// next reads one instruction into in.
func (d *decoder) next(in *instruction) {
	in.at = d.p
	c := d.byte()
	in.op = opcode(c)
	imm := plainOps[c]
	if imm == immPrefix {
		imm = d.prefixed(in, c)
	}
	switch imm {
	case immNone:
	case immLocal, immGlobal, immLabel, immFunc, immTable, immData, immElem:
		in.a = d.u32()
	case immMemArg:
		d.memArg()
	case immI32:
		d.signed(32)
	case immI64:
		d.signed(64)
	case imm4:
		d.skip(4)
	case imm8:
		d.skip(8)
	case immBlock:
		in.block = d.blockType()
	default:
		d.rare(in, imm)
	}
}

// prefixed reads the number behind a prefix. It fails unless the encoding is the shortest one, because some compilers
// read one byte only.
func (d *decoder) prefixed(in *instruction, prefix byte) immediate {
	at := d.p
	n := d.u32()
	if d.err != nil {
		return immNone
	}
	if long := d.p - at; long > 2 || long == 2 && n < 0x80 {
		d.syntax(at, "the number of an instruction is not in its shortest form")
		return immNone
	}
	in.op = opcode(prefix)<<8 | opcode(n&0xff)
	switch {
	case prefix == miscPrefix && n < uint32(len(miscOps)):
		return miscOps[n]
	case prefix == vectorPrefix && n < uint32(len(vectorOps)):
		return vectorOps[n]
	case prefix == vectorPrefix && n <= 0x113:
		d.feature(in.at, "relaxed SIMD", "an instruction")
		return immNone
	}
	return immIllegal
}

// rare reads the immediates that next does not: those that are infrequent, and those of unsupported features.
func (d *decoder) rare(in *instruction, imm immediate) {
	switch imm {
	case immLabels:
		d.labelVector(in)
	case immType, immElemTable, immTwoTables:
		in.a, in.b = d.u32(), d.u32()
	case immMemory:
		d.memory()
	case immTwoMemories:
		d.memory()
		d.memory()
	case immDataMemory:
		in.a = d.u32()
		d.memory()
	case immRef:
		d.refType()
	case immTypes:
		if n := d.u32(); n != 1 {
			d.syntax(in.at, "select with %d types", n)
		}
		d.valueType()
	case imm16:
		d.skip(16)
	case immLane:
		d.byte()
	case immMemArgLane:
		d.memArg()
		d.byte()
	case immExceptions:
		d.feature(in.at, "exception handling", "an instruction")
	case immThreads:
		d.feature(in.at, "threads", "an instruction")
	case immGC:
		d.feature(in.at, "garbage collection", "an instruction")
	case immReferences:
		d.feature(in.at, "typed function references", "an instruction")
	default:
		d.syntax(in.at, "unknown instruction %#x", uint16(in.op))
	}
}

// memArg reads an alignment and an offset (5.4.6).
func (d *decoder) memArg() {
	at := d.p
	switch align := d.u32(); {
	case align >= 64 && align < 128:
		d.feature(at, "multi-memory", "a memory access")
	case align >= 32:
		d.syntax(at, "alignment of 2 to the power of %d", align)
	}
	d.u32()
}

// memory reads the index of a memory, which is 0.
func (d *decoder) memory() {
	at := d.p
	if d.byte() != 0 {
		d.feature(at, "multi-memory", "the number of a memory")
	}
}

// labelVector reads the labels of a br_table.
func (d *decoder) labelVector(in *instruction) {
	n := d.count(1, "labels")
	if d.err == nil {
		if err := checkLimit(uint64(n), d.maxLabels, "labels of a br_table", "branches"); err != nil {
			d.fail(err)
			n = 0
		}
	}
	d.labels = d.labels[:0]
	for range int(n) + 1 {
		d.labels = append(d.labels, d.u32())
	}
	in.labels = d.labels
}

// blockType reads a block type: a number of 33 bits, of which negative ones are value types (5.4.1).
func (d *decoder) blockType() blockType {
	at := d.p
	if at < d.end {
		switch t := ValueType(d.b[at]); t {
		case noResult:
			d.p++
			return blockType{}
		case I32, I64, F32, F64, V128, FuncRef, ExternRef:
			d.p++
			return blockType{result: t}
		}
	}
	n := d.signed(33)
	if n < 0 && d.err == nil {
		d.badType(at, ValueType(d.b[at]))
		return blockType{}
	}
	return blockType{indexed: true, index: uint32(n)}
}
