package wasm

// frame is an open block. params and results count values.
type frame struct {
	op              opcode // opBlock, opLoop, opIf or opElse; of the function opBlock
	params, results int
}

// label is how many values a branch to f takes along.
func (f frame) label() int {
	if f.op == opLoop {
		return f.params
	}
	return f.results
}

// codeScanner is kept from function to function for its memory.
type codeScanner struct {
	decoder
	frames   []frame
	locals   uint64 // with parameters
	operands uint64
	blocks   uint64
	loops    uint64 // that are open
	loopWork uint64 // locals times open loops, for each loop
	reach    localReach
}

// Basic blocks that an instruction makes, the metered loop's check included.
const (
	blocksOfLoop = 4
	blocksOfBulk = 6
	// labelsInBlock: so many labels of a br_table are as much work as a block.
	labelsInBlock = 4
	// loopsInWork: what a local in a loop adds to the work of all functions.
	loopsInWork = 1_000
)

func (s *scanner) bodies(r *reader) error {
	n := r.count(1, "bodies")
	if r.err == nil && int(n) != s.m.Functions {
		r.syntax(r.p, "%d functions have %d bodies", s.m.Functions, n)
	}
	if r.err != nil {
		return r.err
	}
	s.m.bodies = make([]span, 0, n)
	for i := range n {
		size := r.u32()
		f := uint32(s.m.ImportedFunctions) + i
		if err := overIn(f, uint64(size), s.l.Body, "bytes", "body"); err != nil {
			return err
		}
		body := r.sub(size)
		if r.err != nil {
			return r.err
		}
		s.m.bodies = append(s.m.bodies, span{body.p, body.end})
		s.m.BodyBytes += int(size)
		if err := s.body(body, f); err != nil {
			return err
		}
	}
	return r.err
}

// body checks one function.
func (s *scanner) body(r reader, f uint32) error {
	c := &s.code
	c.reader = r
	t := s.m.Types[s.m.funcs[f]]
	locals, err := s.locals(&c.reader, f)
	if err != nil {
		return err
	}
	c.locals = locals + uint64(len(t.Params))
	c.operands, c.blocks, c.loops, c.loopWork = 0, 0, 0, 0
	c.reach.begin(int(c.locals))
	c.frames = append(c.frames[:0], frame{opBlock, 0, len(t.Results)})
	var in instruction
	for len(c.frames) > 0 && c.err == nil {
		c.next(&in)
		if c.err == nil {
			s.check(c, &in, f)
		}
	}
	if c.err != nil {
		return c.err
	}
	if err := overIn(f, c.operands, s.l.Operands, "operands", "operands"); err != nil {
		return err
	}
	if err := overIn(f, c.blocks, s.l.Blocks, "blocks and branches", "blocks"); err != nil {
		return err
	}
	if err := overIn(f, c.loopWork, s.l.LoopWork, "locals times nested loops", "loop_work"); err != nil {
		return err
	}
	localWork := c.reach.work(c.blocks)
	if err := overIn(f, localWork, s.l.LocalWork, "locals that live on times blocks", "local_work"); err != nil {
		return err
	}
	s.work += c.blocks*c.blocks + loopsInWork*c.loopWork + c.reach.total(c.blocks)
	if err := over(s.work, s.l.Work, "squares of the blocks of all functions", "work"); err != nil {
		return err
	}
	return c.done("a function")
}

// locals reads what a body declares, and counts it without making room for it.
func (s *scanner) locals(r *reader, f uint32) (uint64, error) {
	var sum uint64
	for range r.count(2, "groups of locals") {
		sum += uint64(r.u32())
		s.valueType(r)
		if r.err != nil {
			return 0, r.err
		}
	}
	if err := overIn(f, sum, s.l.Locals, "locals", "locals"); err != nil {
		return 0, err
	}
	s.totalLocals += sum
	return sum, over(s.totalLocals, s.l.TotalLocals, "locals of all functions", "total_locals")
}

// check checks what an instruction names against what the module has.
func (s *scanner) check(c *codeScanner, in *instruction, f uint32) {
	switch in.op {
	case opBlock, opLoop, opIf:
		params, results, ok := s.blockArity(in.block)
		if !ok {
			c.syntax(in.at, "there is no type %d", in.block.index)
			return
		}
		c.operands += uint64(params + results)
		c.blocks++
		c.reach.block(in.op == opLoop)
		if in.op == opLoop {
			c.blocks += blocksOfLoop - 1
			c.loops++
			c.loopWork += c.loops * c.locals
		}
		c.frames = append(c.frames, frame{in.op, params, results})
		if err := overIn(f, uint64(len(c.frames)-1), s.l.Nesting, "nested blocks", "nesting"); err != nil {
			c.fail(err)
		}
	case opElse:
		top := &c.frames[len(c.frames)-1]
		if top.op != opIf {
			c.syntax(in.at, "an else without its if")
			return
		}
		top.op = opElse
		c.blocks++
		c.reach.block(true)
	case opEnd:
		if c.frames[len(c.frames)-1].op == opLoop {
			c.loops--
		}
		c.frames = c.frames[:len(c.frames)-1]
		c.reach.block(true)
	case opBr, opBrIf:
		c.operands += uint64(s.label(c, in, in.a))
		c.blocks++
		c.reach.block(false)
	case opBrTable:
		for _, l := range in.labels {
			c.operands += uint64(s.label(c, in, l))
		}
		c.blocks += 1 + uint64(len(in.labels))/labelsInBlock
	default:
		s.index(c, in)
	}
}

func (s *scanner) blockArity(b blockType) (params, results int, ok bool) {
	switch {
	case b.indexed:
		if int64(b.index) >= int64(len(s.m.Types)) {
			return 0, 0, false
		}
		t := s.m.Types[b.index]
		s.m.Features.MultiValue = true
		return len(t.Params), len(t.Results), true
	case b.result != 0:
		return 0, 1, true
	}
	return 0, 0, true
}

// label returns what a branch to label l takes along.
func (s *scanner) label(c *codeScanner, in *instruction, l uint32) int {
	if int64(l) >= int64(len(c.frames)) {
		c.syntax(in.at, "there is no label %d", l)
		return 0
	}
	return c.frames[len(c.frames)-1-int(l)].label()
}

// index checks the instructions that are not about blocks.
func (s *scanner) index(c *codeScanner, in *instruction) {
	m := s.m
	have := func(n uint32, count int, what string) {
		if int64(n) >= int64(count) {
			c.syntax(in.at, "there is no %s %d", what, n)
		}
	}
	switch op := in.op; {
	case op >= opLocalGet && op <= opLocalTee:
		have(in.a, int(c.locals), "local")
		if c.err == nil {
			c.reach.local(in)
		}
	case op == opGlobalGet || op == opGlobalSet:
		have(in.a, len(m.Globals), "global")
	case op == opCall || op == opReturnCall:
		have(in.a, len(m.funcs), "function")
		if c.err == nil {
			s.called(c, m.Types[m.funcs[in.a]], op)
		}
	case op == opCallIndirect || op == opReturnCallIn:
		have(in.a, len(m.Types), "type")
		have(in.b, len(m.Tables), "table")
		if c.err == nil {
			s.called(c, m.Types[in.a], op)
		}
	case op >= 0x28 && op <= opMemoryGrow || op>>8 == 0xfd && vectorMemory(op):
		s.needMemory(c, in)
		m.Features.SIMD = m.Features.SIMD || op>>8 == 0xfd
	case op == 0x25 || op == 0x26:
		have(in.a, len(m.Tables), "table")
	case op == opRefFunc:
		have(in.a, len(m.funcs), "function")
		m.Features.ReferenceTypes = true
	case op == opRefNull || op == 0xd1 || op == 0x1c:
		m.Features.ReferenceTypes = true
	case op>>8 == 0xfd:
		m.Features.SIMD = true
	case op >= opMemoryInit && op <= opTableFill:
		s.bulk(c, in, have)
	}
}

func vectorMemory(op opcode) bool {
	imm := vectorOps[op&0xff]
	return imm == immMemArg || imm == immMemArgLane
}

func (s *scanner) called(c *codeScanner, t FuncType, op opcode) {
	c.operands += uint64(len(t.Params) + len(t.Results))
	if op == opReturnCall || op == opReturnCallIn {
		s.m.Features.TailCalls = true
	}
}

func (s *scanner) needMemory(c *codeScanner, in *instruction) {
	if s.m.Memory == nil {
		c.syntax(in.at, "instruction %#x without a memory", uint16(in.op))
	}
}

func (s *scanner) bulk(c *codeScanner, in *instruction, have func(uint32, int, string)) {
	m := s.m
	m.Features.BulkMemory = true
	c.blocks += blocksOfBulk
	switch in.op {
	case opMemoryInit, opDataDrop:
		if !s.hasDataCount {
			c.syntax(in.at, "instruction %#x without a data count section", uint16(in.op))
			return
		}
		have(in.a, s.dataCount, "data segment")
		if in.op == opMemoryInit {
			s.needMemory(c, in)
		}
	case opMemoryCopy, opMemoryFill:
		s.needMemory(c, in)
	case opTableInit:
		have(in.a, m.Elements, "element segment")
		have(in.b, len(m.Tables), "table")
	case opElemDrop:
		have(in.a, m.Elements, "element segment")
	case opTableCopy:
		have(in.a, len(m.Tables), "table")
		have(in.b, len(m.Tables), "table")
	default:
		have(in.a, len(m.Tables), "table")
		if in.op == opTableGrow && c.err == nil {
			m.Tables[in.a].Grows = true
		}
	}
}
