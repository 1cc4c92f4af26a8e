package wasm

// block is an open block of a function that is scanned. params and results count values.
type block struct {
	op              opcode // opBlock, opLoop, opIf or opElse; opBlock for the function
	params, results int
}

// branchArity returns the number of values that a branch to b takes.
func (b block) branchArity() int {
	if b.op == opLoop {
		return b.params
	}
	return b.results
}

// codeScanner is the state for one function. Functions share it to reuse its memory.
type codeScanner struct {
	decoder
	open     []block
	locals   uint64 // with parameters
	operands uint64
	blocks   uint64
	loops    uint64 // open ones
	loopWork uint64 // locals times open loops, summed over the loops
	local    localWork
}

// Estimated basic blocks of an instruction in metered code.
const (
	blocksPerLoop  = 4
	blocksPerBulk  = 6
	labelsPerBlock = 4 // labels of a br_table that are as much work as a block
)

// readBodies reads the code section.
func (s *scanner) readBodies(r *reader) error {
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
		if err := checkFunctionLimit(f, uint64(size), s.l.Body, "bytes", "body"); err != nil {
			return err
		}
		body := r.sub(size)
		if r.err != nil {
			return r.err
		}
		s.m.bodies = append(s.m.bodies, span{body.p, body.end})
		s.m.BodyBytes += int(size)
		if err := s.readBody(body, f); err != nil {
			return err
		}
	}
	return r.err
}

// readBody checks the body of function f.
func (s *scanner) readBody(r reader, f uint32) error {
	c := &s.code
	c.reader = r
	t := s.m.Types[s.m.funcs[f]]
	locals, err := s.readLocals(&c.reader, f)
	if err != nil {
		return err
	}
	c.locals = locals + uint64(len(t.Params))
	c.operands, c.blocks, c.loops, c.loopWork = 0, 0, 0, 0
	c.local.begin(int(c.locals))
	c.open = append(c.open[:0], block{opBlock, 0, len(t.Results)})
	var in instruction
	for len(c.open) > 0 && c.err == nil {
		c.next(&in)
		if c.err == nil {
			s.checkInstruction(c, &in, f)
		}
	}
	if c.err != nil {
		return c.err
	}
	if err := s.checkWork(c, f); err != nil {
		return err
	}
	return c.done("a function")
}

// checkWork checks the limits of what compiling function f takes, which has been scanned.
func (s *scanner) checkWork(c *codeScanner, f uint32) error {
	if err := checkFunctionLimit(f, c.operands, s.l.Operands, "operands", "operands"); err != nil {
		return err
	}
	if err := checkFunctionLimit(f, c.blocks, s.l.Blocks, "blocks and branches", "blocks"); err != nil {
		return err
	}
	if err := checkFunctionLimit(f, c.loopWork, s.l.LoopWork, "locals times nested loops", "loop_work"); err != nil {
		return err
	}
	work := c.local.functionWork(c.blocks)
	if err := checkFunctionLimit(f, work, s.l.LocalWork, "live locals times blocks", "local_work"); err != nil {
		return err
	}
	s.work += c.blocks*c.blocks + workPerLoopWork*c.loopWork + c.local.moduleWork(c.blocks)
	return checkLimit(s.work, s.l.Work, "squares of the blocks of all functions", "work")
}

// readLocals returns the number of locals that a body declares. It allocates nothing for them.
func (s *scanner) readLocals(r *reader, f uint32) (uint64, error) {
	var sum uint64
	for range r.count(2, "groups of locals") {
		sum += uint64(r.u32())
		s.valueType(r)
		if r.err != nil {
			return 0, r.err
		}
	}
	if err := checkFunctionLimit(f, sum, s.l.Locals, "locals", "locals"); err != nil {
		return 0, err
	}
	s.totalLocals += sum
	return sum, checkLimit(s.totalLocals, s.l.TotalLocals, "locals of all functions", "total_locals")
}

// checkInstruction checks the indexes of an instruction, and counts it.
func (s *scanner) checkInstruction(c *codeScanner, in *instruction, f uint32) {
	switch in.op {
	case opBlock, opLoop, opIf:
		s.openBlock(c, in, f)
	case opElse:
		top := &c.open[len(c.open)-1]
		if top.op != opIf {
			c.syntax(in.at, "an else without its if")
			return
		}
		top.op = opElse
		c.blocks++
		c.local.nextBlock(true)
	case opEnd:
		if c.open[len(c.open)-1].op == opLoop {
			c.loops--
		}
		c.open = c.open[:len(c.open)-1]
		c.local.nextBlock(true)
	case opBr, opBrIf:
		c.operands += uint64(s.labelArity(c, in, in.a))
		c.blocks++
		c.local.nextBlock(false)
	case opBrTable:
		for _, l := range in.labels {
			c.operands += uint64(s.labelArity(c, in, l))
		}
		c.blocks += 1 + uint64(len(in.labels))/labelsPerBlock
	default:
		s.checkIndexes(c, in)
	}
}

// openBlock counts a block, a loop or an if.
func (s *scanner) openBlock(c *codeScanner, in *instruction, f uint32) {
	params, results, ok := s.blockArity(in.block)
	if !ok {
		c.syntax(in.at, "there is no type %d", in.block.index)
		return
	}
	c.operands += uint64(params + results)
	c.blocks++
	c.local.nextBlock(in.op == opLoop)
	if in.op == opLoop {
		c.blocks += blocksPerLoop - 1
		c.loops++
		c.loopWork += c.loops * c.locals
	}
	c.open = append(c.open, block{in.op, params, results})
	if err := checkFunctionLimit(f, uint64(len(c.open)-1), s.l.Nesting, "nested blocks", "nesting"); err != nil {
		c.fail(err)
	}
}

// blockArity returns how many values a block takes and returns. ok is false if it has no type.
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

// labelArity returns the number of values that a branch to label l takes.
func (s *scanner) labelArity(c *codeScanner, in *instruction, l uint32) int {
	if int64(l) >= int64(len(c.open)) {
		c.syntax(in.at, "there is no label %d", l)
		return 0
	}
	return c.open[len(c.open)-1-int(l)].branchArity()
}

// checkIndexes checks an instruction that is no block, branch or label.
func (s *scanner) checkIndexes(c *codeScanner, in *instruction) {
	m := s.m
	switch op := in.op; {
	case op >= opLocalGet && op <= opLocalTee:
		c.checkIndex(in, in.a, int(c.locals), "local")
		if c.err == nil {
			c.local.access(in)
		}
	case op == opGlobalGet || op == opGlobalSet:
		c.checkIndex(in, in.a, len(m.Globals), "global")
	case op == opCall || op == opReturnCall:
		c.checkIndex(in, in.a, len(m.funcs), "function")
		if c.err == nil {
			s.countCall(c, m.Types[m.funcs[in.a]], op)
		}
	case op == opCallIndirect || op == opReturnCallIn:
		c.checkIndex(in, in.a, len(m.Types), "type")
		c.checkIndex(in, in.b, len(m.Tables), "table")
		if c.err == nil {
			s.countCall(c, m.Types[in.a], op)
		}
	case op >= opI32Load && op <= opMemoryGrow || isVectorMemory(op):
		s.requireMemory(c, in)
		m.Features.SIMD = m.Features.SIMD || isVector(op)
	case op == opTableGet || op == opTableSet:
		c.checkIndex(in, in.a, len(m.Tables), "table")
	case op == opRefFunc:
		c.checkIndex(in, in.a, len(m.funcs), "function")
		m.Features.ReferenceTypes = true
	case op == opRefNull || op == opRefIsNull || op == opSelectTyped:
		m.Features.ReferenceTypes = true
	case isVector(op):
		m.Features.SIMD = true
	case op >= opMemoryInit && op <= opTableFill:
		s.checkBulk(c, in)
	}
}

// checkIndex fails if index is not below count. what is the subject of the error.
func (c *codeScanner) checkIndex(in *instruction, index uint32, count int, what string) {
	if int64(index) >= int64(count) {
		c.syntax(in.at, "there is no %s %d", what, index)
	}
}

// isVector reports whether an instruction is one of SIMD.
func isVector(op opcode) bool { return op>>8 == vectorPrefix }

// isVectorMemory reports whether an instruction of SIMD accesses memory.
func isVectorMemory(op opcode) bool {
	if !isVector(op) {
		return false
	}
	imm := vectorOps[op&0xff]
	return imm == immMemArg || imm == immMemArgLane
}

// countCall counts the operands of a call.
func (s *scanner) countCall(c *codeScanner, t FuncType, op opcode) {
	c.operands += uint64(len(t.Params) + len(t.Results))
	if op == opReturnCall || op == opReturnCallIn {
		s.m.Features.TailCalls = true
	}
}

// requireMemory fails if the module has no memory.
func (s *scanner) requireMemory(c *codeScanner, in *instruction) {
	if s.m.Memory == nil {
		c.syntax(in.at, "instruction %#x without a memory", uint16(in.op))
	}
}

// checkBulk checks a bulk instruction.
func (s *scanner) checkBulk(c *codeScanner, in *instruction) {
	m := s.m
	m.Features.BulkMemory = true
	c.blocks += blocksPerBulk
	switch in.op {
	case opMemoryInit, opDataDrop:
		if !s.hasDataCount {
			c.syntax(in.at, "instruction %#x without a data count section", uint16(in.op))
			return
		}
		c.checkIndex(in, in.a, s.dataCount, "data segment")
		if in.op == opMemoryInit {
			s.requireMemory(c, in)
		}
	case opMemoryCopy, opMemoryFill:
		s.requireMemory(c, in)
	case opTableInit:
		c.checkIndex(in, in.a, m.Elements, "element segment")
		c.checkIndex(in, in.b, len(m.Tables), "table")
	case opElemDrop:
		c.checkIndex(in, in.a, m.Elements, "element segment")
	case opTableCopy:
		c.checkIndex(in, in.a, len(m.Tables), "table")
		c.checkIndex(in, in.b, len(m.Tables), "table")
	default:
		c.checkIndex(in, in.a, len(m.Tables), "table")
		if in.op == opTableGrow && c.err == nil {
			m.Tables[in.a].Grows = true
		}
	}
}
