package wasm

// plan is what Meter determines about a module before it writes.
type plan struct {
	module    []byte
	m         *Module
	charges   chargePlanner
	functions []function
	calls     []uint32 // called functions with a body, by index in functions; function.calls are ranges of it

	addressTaken   []int  // functions whose address is taken, by index in functions
	isAddressTaken []bool // by index in functions
}

// function is what Meter knows about a function with a body.
type function struct {
	code         int // offset of the first instruction
	charges      indexRange
	calls        indexRange
	indirect     bool // has a call_indirect
	bulk         bool // has an instruction whose cost depends on a size
	locals       int  // with parameters
	instructions int
	multiValues  int // values of calls and blocks with several results

	countsStack bool
	weight      int // estimated bytes that an activation takes from the stack counter
}

// indexRange is a range of indexes of a slice.
type indexRange struct{ from, to int }

func newPlan(module []byte, m *Module) *plan {
	n := len(m.bodies)
	p := &plan{module: module, m: m, functions: make([]function, n), isAddressTaken: make([]bool, n)}
	p.charges.maxLabels = len(module)
	return p
}

// planFunction plans the i-th function with a body.
func (p *plan) planFunction(i int) error {
	c, f := &p.charges, &p.functions[i]
	body := p.m.bodies[i]
	c.reader = reader{b: p.module, p: body.start, end: body.end}
	t := p.m.Types[p.m.funcs[p.m.ImportedFunctions+i]]
	f.locals = len(t.Params)
	f.addResults(t)
	for range c.count(2, "groups of locals") {
		f.locals += int(c.u32())
		c.valueType()
	}
	f.code = c.p
	f.charges.from, f.calls.from = len(c.charges), len(p.calls)
	c.begin(c.p)
	var in instruction
	for len(c.blocks) > 0 && c.err == nil {
		c.next(&in)
		f.bulk = f.bulk || costsBySize(in.op)
		if c.dead() {
			c.stepDead(in.op)
			if in.op == opRefFunc {
				p.takeAddress(in.a)
			}
			continue
		}
		f.instructions++
		p.recordInstruction(f, &in)
		c.step(in.op)
	}
	f.charges.to, f.calls.to = len(c.charges), len(p.calls)
	return c.done("a function")
}

// recordInstruction records what an instruction means for the call graph and for the stack frame of f.
func (p *plan) recordInstruction(f *function, in *instruction) {
	switch in.op {
	case opCall, opReturnCall:
		f.addResults(p.m.Types[p.m.funcs[in.a]])
		if c := int(in.a) - p.m.ImportedFunctions; c >= 0 {
			p.calls = append(p.calls, uint32(c))
		}
	case opCallIndirect, opReturnCallIn:
		f.addResults(p.m.Types[in.a])
		f.indirect = true
	case opBlock, opLoop, opIf:
		if in.block.indexed {
			f.addResults(p.m.Types[in.block.index])
		}
	case opRefFunc:
		p.takeAddress(in.a)
	}
}

// takeAddress records that the address of function f is taken. f counts imports first.
func (p *plan) takeAddress(f uint32) {
	i := int(f) - p.m.ImportedFunctions
	if i >= 0 && i < len(p.isAddressTaken) && !p.isAddressTaken[i] {
		p.isAddressTaken[i] = true
		p.addressTaken = append(p.addressTaken, i)
	}
}

// takeSegmentAddresses records the functions whose address element segments and globals take.
func (p *plan) takeSegmentAddresses() error {
	for _, sec := range p.m.sections {
		r := reader{b: p.module, p: sec.body.start, end: sec.body.end}
		take := func(f uint32) uint32 { p.takeAddress(f); return f }
		switch sec.id {
		case ElementSection:
			mapElements(nil, &r, r.u32(), take)
		case GlobalSection:
			mapGlobals(nil, &r, r.u32(), take)
		}
		if r.err != nil {
			return r.err
		}
	}
	return nil
}
