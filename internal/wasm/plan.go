package wasm

// planning is what Meter finds out before it writes.
type planning struct {
	module    []byte
	m         *Module
	planner   planner
	functions []function
	calls     []uint32 // functions with a body that functions call, by their place in functions
	taken     []int    // functions whose address is taken, likewise
	isTaken   []bool
}

func newPlanning(module []byte, m *Module) *planning {
	p := &planning{module: module, m: m, functions: make([]function, len(m.bodies)), isTaken: make([]bool, len(m.bodies))}
	p.planner.maxLabels = len(module)
	return p
}

// take notes that the address of function f is taken.
func (p *planning) take(f uint32) {
	i := int(f) - p.m.ImportedFunctions
	if i >= 0 && i < len(p.isTaken) && !p.isTaken[i] {
		p.isTaken[i] = true
		p.taken = append(p.taken, i)
	}
}

// function plans the i-th function with a body.
func (p *planning) function(i int) error {
	pl, f := &p.planner, &p.functions[i]
	body := p.m.bodies[i]
	pl.reader = reader{b: p.module, p: body.start, end: body.end}
	t := p.m.Types[p.m.funcs[p.m.ImportedFunctions+i]]
	f.localCount = len(t.Params)
	f.results(t)
	for range pl.count(2, "groups of locals") {
		f.localCount += int(pl.u32())
		pl.valueType()
	}
	f.code = pl.p
	f.sites[0], f.calls[0] = len(pl.sites), len(p.calls)
	pl.begin(pl.p)
	var in instruction
	for len(pl.frames) > 0 && pl.err == nil {
		pl.next(&in)
		f.bulk = f.bulk || bySize(in.op)
		if pl.dead() {
			pl.stepDead(in.op)
			if in.op == opRefFunc {
				p.take(in.a)
			}
			continue
		}
		f.instruction++
		p.note(f, &in)
		pl.step(in.op)
	}
	f.sites[1], f.calls[1] = len(pl.sites), len(p.calls)
	return pl.done("a function")
}

// note notes what the writer and the call graph need of an instruction.
func (p *planning) note(f *function, in *instruction) {
	switch in.op {
	case opCall, opReturnCall:
		f.results(p.m.Types[p.m.funcs[in.a]])
		if c := int(in.a) - p.m.ImportedFunctions; c >= 0 {
			p.calls = append(p.calls, uint32(c))
		}
	case opCallIndirect, opReturnCallIn:
		f.results(p.m.Types[in.a])
		f.indirect = true
	case opBlock, opLoop, opIf:
		if in.block.indexed {
			f.results(p.m.Types[in.block.index])
		}
	case opRefFunc:
		p.take(in.a)
	}
}

// bySize says whether an instruction is charged by the size on the stack.
func bySize(op opcode) bool {
	switch op {
	case opMemoryGrow, opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill, opTableGrow:
		return true
	}
	return false
}
