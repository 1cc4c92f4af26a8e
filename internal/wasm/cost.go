package wasm

// budget is how much a payment may cover beyond its own straight line: short
// branches are paid for whether they are taken or not, as a payment costs
// about as much time as five instructions.
const budget = 64

// prefixBudget is how much may come before a loop at the start of a function
// and be paid for with each iteration, which saves the payment at the entry.
const prefixBudget = 8

// Costs that are not 1.
const (
	costCall     = 4
	costIndirect = 6
	costDivide   = 8
	costBulk     = 10  // and by size
	costExit     = 100 // instructions for which wazero leaves the machine code
)

// Costs by size.
const (
	costBytes = 4    // memory.fill, copy and init: 1 for 2 to the power of this
	costPage  = 1024 // memory.grow: for each page
)

// cost is what an instruction is charged, without what goes by size.
func cost(op opcode) uint32 {
	switch op {
	case 0x01, opBlock, opLoop, opElse, opEnd:
		return 0 // no machine code
	case opCall, opReturnCall:
		return costCall
	case opCallIndirect, opReturnCallIn:
		return costIndirect
	case opMemoryGrow, opTableGrow, opRefFunc:
		return costExit
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		return costBulk
	case 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82, 0x91, 0x95, 0x9f, 0xa3:
		return costDivide
	}
	return 1
}

// site is a payment in front of the instruction at offset at. It is checked at
// entries and loop headers: what can run without passing one is finite, and
// short.
type site struct {
	at, cost uint32
	checked  bool
}

// noSite is the payer where there is none yet.
const noSite = -1

// planFrame is an open block of a function that is planned.
type planFrame struct {
	op    opcode
	payer int  // the site that covers code behind it in this block, or noSite
	dead  bool // code that cannot be reached
}

// planner finds the payments of functions. A site covers code that it
// dominates and that runs at most once after it: what follows in its block,
// and blocks within, up to a loop header, which pays for itself.
type planner struct {
	decoder
	sites  []site // of all functions
	frames []planFrame
	first  int // index in sites of the function's first

	// The segment under way: code without a branch, in or out.
	start   int
	length  uint32
	level   int  // of the innermost block at start
	must    bool // pays for itself: an entry, or a loop header
	prefix  uint32
	entered bool // the entry has been paid for, or left to a loop
}

// begin starts the plan of a function whose code is at offset at.
func (p *planner) begin(at int) {
	p.first = len(p.sites)
	p.frames = append(p.frames[:0], planFrame{op: opBlock, payer: noSite})
	p.prefix, p.entered = 0, false
	p.open(at, true)
}

func (p *planner) open(at int, must bool) {
	p.start, p.length, p.level, p.must = at, 0, len(p.frames)-1, must
}

// close ends the segment, and finds who pays for it.
func (p *planner) close() {
	if p.length == 0 && !p.must {
		return
	}
	top := &p.frames[len(p.frames)-1]
	if payer := top.payer; !p.must && payer != noSite && p.sites[payer].cost+p.length <= budget {
		p.sites[payer].cost += p.length
		return
	}
	p.sites = append(p.sites, site{uint32(p.start), max(p.length+p.prefix, 1), p.must})
	p.prefix, p.entered, p.must = 0, true, false
	for i := p.level; i < len(p.frames); i++ {
		p.frames[i].payer = len(p.sites) - 1
	}
}

// step takes in one instruction that is not dead; the reader is behind it.
func (p *planner) step(op opcode) {
	p.length += cost(op)
	switch op {
	case opBlock:
		p.push(op)
	case opLoop:
		if p.entered || p.length > prefixBudget {
			p.close()
		} else {
			p.prefix, p.entered = p.prefix+p.length+1, true
		}
		p.push(op)
		p.open(p.p, true)
	case opIf:
		p.close()
		p.push(op)
		p.open(p.p, false)
	case opElse:
		p.close()
		p.otherwise()
	case opEnd:
		p.close()
		p.pop()
	case opBrIf:
		p.close()
		p.open(p.p, false)
	case opUnreachable, opBr, opBrTable, opReturn, opReturnCall, opReturnCallIn:
		p.close()
		p.frames[len(p.frames)-1].dead = true
		p.open(p.p, false)
	}
}

// stepDead takes in one instruction that is dead.
func (p *planner) stepDead(op opcode) {
	switch op {
	case opBlock, opLoop, opIf:
		p.push(op)
	case opElse:
		p.otherwise()
	case opEnd:
		p.pop()
	}
}

func (p *planner) dead() bool { return p.frames[len(p.frames)-1].dead }

func (p *planner) push(op opcode) {
	top := p.frames[len(p.frames)-1]
	p.frames = append(p.frames, planFrame{op: op, payer: top.payer, dead: top.dead})
}

// otherwise begins the second arm of an if: what the first arm paid does not
// cover it.
func (p *planner) otherwise() {
	if len(p.frames) < 2 {
		return
	}
	outer := p.frames[len(p.frames)-2]
	p.frames[len(p.frames)-1] = planFrame{op: opElse, payer: outer.payer, dead: outer.dead}
	p.open(p.p, false)
}

func (p *planner) pop() {
	p.frames = p.frames[:len(p.frames)-1]
	if len(p.frames) > 0 {
		p.open(p.p, false)
	}
}
