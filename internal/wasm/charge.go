package wasm

// sharedCost bounds the cost of the short branches that share one charge, taken or not: a charge takes about as much
// time as five instructions.
const sharedCost = 64

// prologueCost bounds the cost of the code before a loop at the start of a function that is charged with each iteration
// of the loop, which saves the charge at the entry.
const prologueCost = 8

// Costs of instructions that are not 1.
const (
	costCall     = 4
	costIndirect = 6
	costDivide   = 8
	costBulk     = 10  // plus the cost by size
	costExit     = 100 // instructions for which wazero leaves the machine code
)

// Costs by size.
const (
	costBytesLog = 4    // memory.fill, copy and init: 1 for 1<<costBytesLog bytes
	costPage     = 1024 // memory.grow: for each page
)

// cost returns the fuel of an instruction, without the cost by size.
func cost(op opcode) uint32 {
	switch op {
	case opNop, opBlock, opLoop, opElse, opEnd:
		return 0 // no machine code
	case opCall, opReturnCall:
		return costCall
	case opCallIndirect, opReturnCallIn:
		return costIndirect
	case opMemoryGrow, opTableGrow, opRefFunc:
		return costExit
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		return costBulk
	case 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82, // div and rem of i32 and i64
		0x91, 0x95, 0x9f, 0xa3: // sqrt and div of f32 and f64
		return costDivide
	}
	return 1
}

// costsBySize reports whether the cost of an instruction depends on the size on the stack.
func costsBySize(op opcode) bool {
	switch op {
	case opMemoryGrow, opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill, opTableGrow:
		return true
	}
	return false
}

// charge is fuel to take before the instruction at offset at. If checked, the code then tests the counter. Entries and
// loop headers are checked, so that the code between two checks is finite and short.
type charge struct {
	at, cost uint32
	checked  bool
}

// noCharge is the index of a charge where there is none yet.
const noCharge = -1

// chargeBlock is an open block of a function that is planned.
type chargeBlock struct {
	op     opcode
	charge int  // index of the charge that can cover code from here on in this block, or noCharge
	dead   bool // the code cannot be reached
}

// chargePlanner places the charges of functions. A charge covers code that it dominates and that runs at most once
// after it: the rest of its block, and blocks inside, up to a loop header, which has a charge of its own.
type chargePlanner struct {
	decoder
	charges []charge // of all functions
	blocks  []chargeBlock

	// The current segment: code without a branch to or from it.
	start     int
	cost      uint32
	level     int  // index in blocks of the innermost block at start
	ownCharge bool // the segment needs a charge of its own: it begins with an entry or a loop header

	prologue uint32 // cost before a loop at the start of the function, to be charged in the loop
	entered  bool   // the entry has been charged, or left to a loop
}

// begin starts the plan of a function whose code is at offset at.
func (p *chargePlanner) begin(at int) {
	p.blocks = append(p.blocks[:0], chargeBlock{op: opBlock, charge: noCharge})
	p.prologue, p.entered = 0, false
	p.beginSegment(at, true)
}

func (p *chargePlanner) beginSegment(at int, ownCharge bool) {
	p.start, p.cost, p.level, p.ownCharge = at, 0, len(p.blocks)-1, ownCharge
}

// endSegment adds the cost of the segment to an earlier charge, or adds a charge.
func (p *chargePlanner) endSegment() {
	if p.cost == 0 && !p.ownCharge {
		return
	}
	top := &p.blocks[len(p.blocks)-1]
	if c := top.charge; !p.ownCharge && c != noCharge && p.charges[c].cost+p.cost <= sharedCost {
		p.charges[c].cost += p.cost
		return
	}
	p.charges = append(p.charges, charge{uint32(p.start), max(p.cost+p.prologue, 1), p.ownCharge})
	p.prologue, p.entered, p.ownCharge = 0, true, false
	for i := p.level; i < len(p.blocks); i++ {
		p.blocks[i].charge = len(p.charges) - 1
	}
}

// step plans an instruction that can be reached. The decoder is behind it.
func (p *chargePlanner) step(op opcode) {
	p.cost += cost(op)
	switch op {
	case opBlock:
		p.push(op)
	case opLoop:
		if p.entered || p.cost > prologueCost {
			p.endSegment()
		} else {
			p.prologue, p.entered = p.prologue+p.cost+1, true
		}
		p.push(op)
		p.beginSegment(p.p, true)
	case opIf:
		p.endSegment()
		p.push(op)
		p.beginSegment(p.p, false)
	case opElse:
		p.endSegment()
		p.beginElse()
	case opEnd:
		p.endSegment()
		p.pop()
	case opBrIf:
		p.endSegment()
		p.beginSegment(p.p, false)
	case opUnreachable, opBr, opBrTable, opReturn, opReturnCall, opReturnCallIn:
		p.endSegment()
		p.blocks[len(p.blocks)-1].dead = true
		p.beginSegment(p.p, false)
	}
}

// stepDead plans an instruction that cannot be reached.
func (p *chargePlanner) stepDead(op opcode) {
	switch op {
	case opBlock, opLoop, opIf:
		p.push(op)
	case opElse:
		p.beginElse()
	case opEnd:
		p.pop()
	}
}

// dead reports whether the next instruction cannot be reached.
func (p *chargePlanner) dead() bool { return p.blocks[len(p.blocks)-1].dead }

func (p *chargePlanner) push(op opcode) {
	top := p.blocks[len(p.blocks)-1]
	p.blocks = append(p.blocks, chargeBlock{op: op, charge: top.charge, dead: top.dead})
}

// beginElse begins the second arm of an if. Charges of the first arm do not cover it.
func (p *chargePlanner) beginElse() {
	if len(p.blocks) < 2 {
		return
	}
	outer := p.blocks[len(p.blocks)-2]
	p.blocks[len(p.blocks)-1] = chargeBlock{op: opElse, charge: outer.charge, dead: outer.dead}
	p.beginSegment(p.p, false)
}

func (p *chargePlanner) pop() {
	p.blocks = p.blocks[:len(p.blocks)-1]
	if len(p.blocks) > 0 {
		p.beginSegment(p.p, false)
	}
}
