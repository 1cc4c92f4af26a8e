package wasm

// opcode identifies an instruction (5.4): its byte, or prefix<<8 | number.
type opcode uint16

// Prefixes of opcodes.
const (
	miscPrefix   = 0xfc
	vectorPrefix = 0xfd
)

const (
	opUnreachable  opcode = 0x00
	opNop          opcode = 0x01
	opBlock        opcode = 0x02
	opLoop         opcode = 0x03
	opIf           opcode = 0x04
	opElse         opcode = 0x05
	opEnd          opcode = 0x0b
	opBr           opcode = 0x0c
	opBrIf         opcode = 0x0d
	opBrTable      opcode = 0x0e
	opReturn       opcode = 0x0f
	opCall         opcode = 0x10
	opCallIndirect opcode = 0x11
	opReturnCall   opcode = 0x12
	opReturnCallIn opcode = 0x13
	opLocalGet     opcode = 0x20
	opLocalSet     opcode = 0x21
	opLocalTee     opcode = 0x22
	opGlobalGet    opcode = 0x23
	opGlobalSet    opcode = 0x24
	opTableGet     opcode = 0x25
	opTableSet     opcode = 0x26
	opI32Load      opcode = 0x28
	opMemorySize   opcode = 0x3f
	opMemoryGrow   opcode = 0x40
	opI32Const     opcode = 0x41
	opI64Const     opcode = 0x42
	opF64Const     opcode = 0x44
	opI64LtS       opcode = 0x53
	opI64GtU       opcode = 0x56
	opI32GtU       opcode = 0x4b
	opI32LeU       opcode = 0x4d
	opI32Add       opcode = 0x6a
	opI32Sub       opcode = 0x6b
	opI32Mul       opcode = 0x6c
	opI64Shl       opcode = 0x86
	opI64Add       opcode = 0x7c
	opI64Sub       opcode = 0x7d
	opI64Mul       opcode = 0x7e
	opI64Or        opcode = 0x84
	opI64ShrU      opcode = 0x88
	opI64ExtendU   opcode = 0xad
	opSelect       opcode = 0x1b
	opSelectTyped  opcode = 0x1c
	opRefNull      opcode = 0xd0
	opRefIsNull    opcode = 0xd1
	opRefFunc      opcode = 0xd2

	opMemoryInit opcode = 0xfc08
	opDataDrop   opcode = 0xfc09
	opMemoryCopy opcode = 0xfc0a
	opMemoryFill opcode = 0xfc0b
	opTableInit  opcode = 0xfc0c
	opElemDrop   opcode = 0xfc0d
	opTableCopy  opcode = 0xfc0e
	opTableGrow  opcode = 0xfc0f
	opTableSize  opcode = 0xfc10
	opTableFill  opcode = 0xfc11
	opV128Const  opcode = 0xfd0c
)

// immediate is the kind of data that follows an opcode.
type immediate byte

const (
	immIllegal immediate = iota
	immNone
	immBlock
	immLabel
	immLabels
	immFunc
	immType // and the index of a table
	immLocal
	immGlobal
	immTable
	immMemArg
	immMemory
	immI32
	immI64
	imm4
	imm8
	immRef
	immTypes
	immDataMemory
	immData
	immTwoMemories
	immElemTable
	immElem
	immTwoTables
	imm16
	immLane
	immMemArgLane
	immPrefix
	// Unsupported features.
	immExceptions
	immThreads
	immGC
	immReferences
)

// Immediates by opcode.
var (
	plainOps  = plainTable()
	miscOps   = miscTable()   // by the number behind 0xfc
	vectorOps = vectorTable() // by the number behind 0xfd
)

// fill sets t[from] to t[to], both included.
func fill(t []immediate, from, to int, i immediate) {
	for n := from; n <= to; n++ {
		t[n] = i
	}
}

func plainTable() (t [256]immediate) {
	s := t[:]
	fill(s, 0x00, 0x01, immNone)
	fill(s, 0x02, 0x04, immBlock)
	t[0x05], t[0x0b], t[0x0f] = immNone, immNone, immNone
	fill(s, 0x06, 0x0a, immExceptions)
	fill(s, 0x0c, 0x0d, immLabel)
	t[0x0e] = immLabels
	t[0x10], t[0x12] = immFunc, immFunc
	t[0x11], t[0x13] = immType, immType
	fill(s, 0x14, 0x15, immReferences)
	fill(s, 0x18, 0x19, immExceptions)
	t[0x1f] = immExceptions
	fill(s, 0x1a, 0x1b, immNone)
	t[0x1c] = immTypes
	fill(s, 0x20, 0x22, immLocal)
	fill(s, 0x23, 0x24, immGlobal)
	fill(s, 0x25, 0x26, immTable)
	fill(s, 0x28, 0x3e, immMemArg)
	fill(s, 0x3f, 0x40, immMemory)
	t[0x41], t[0x42], t[0x43], t[0x44] = immI32, immI64, imm4, imm8
	fill(s, 0x45, 0xc4, immNone)
	t[0xd0], t[0xd1], t[0xd2] = immRef, immNone, immFunc
	t[0xd3] = immGC
	fill(s, 0xd4, 0xd6, immReferences)
	t[0xfb] = immGC
	t[miscPrefix], t[vectorPrefix] = immPrefix, immPrefix
	t[0xfe] = immThreads
	return t
}

func miscTable() (t [18]immediate) {
	fill(t[:], 0, 7, immNone)
	t[8], t[9], t[10], t[11] = immDataMemory, immData, immTwoMemories, immMemory
	t[12], t[13], t[14] = immElemTable, immElem, immTwoTables
	fill(t[:], 15, 17, immTable)
	return t
}

func vectorTable() (t [256]immediate) {
	s := t[:]
	fill(s, 0, 11, immMemArg)
	fill(s, 12, 13, imm16)
	fill(s, 14, 20, immNone)
	fill(s, 21, 34, immLane)
	fill(s, 35, 83, immNone)
	fill(s, 84, 91, immMemArgLane)
	fill(s, 92, 93, immMemArg)
	fill(s, 94, 255, immNone)
	for _, n := range []int{
		0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb,
		0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee,
	} {
		t[n] = immIllegal // not assigned
	}
	return t
}
