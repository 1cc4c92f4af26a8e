package wasm

// writeCode writes the content of the code section to w.code.
func (w *writer) writeCode() error {
	w.code = make([]byte, 0, w.p.m.BodyBytes*3/2+16)
	e := emitter{writer: w}
	e.maxLabels = len(w.p.module)
	for i := range w.p.functions {
		if err := e.emitFunction(i); err != nil {
			return err
		}
		w.code = AppendSized(w.code, e.out)
	}
	for _, body := range w.bulkBodies {
		w.code = AppendSized(w.code, body)
	}
	return nil
}

// emitter writes one function after the other to out.
type emitter struct {
	*writer
	decoder
	out     []byte
	f       *function
	charges []charge // not yet written
	size    uint32   // the added local for sizes
	depth   int      // open blocks of the original code
}

// emitFunction writes the i-th function with a body.
func (e *emitter) emitFunction(i int) error {
	f, body := &e.p.functions[i], e.p.m.bodies[i]
	e.f, e.out = f, e.out[:0]
	e.reader = reader{b: e.p.module, p: body.start, end: body.end}
	e.charges = e.p.charges.charges[f.charges.from:f.charges.to]
	e.emitLocals()
	if f.countsStack {
		e.emitEntry(e.p.m.funcs[e.p.m.ImportedFunctions+i])
	}
	e.depth = 0
	var in instruction
	for e.depth >= 0 && e.err == nil {
		e.next(&in)
		if e.err == nil {
			e.emitInstruction(&in)
		}
	}
	return e.done("a function")
}

// emitLocals copies the declarations of locals, and adds one if the function has bulk instructions.
func (e *emitter) emitLocals() {
	r := &e.reader
	n := r.u32()
	start := r.p
	for range n {
		r.u32()
		r.byte()
	}
	declarations := e.b[start:r.p]
	e.size = uint32(e.f.locals)
	if !e.f.bulk {
		e.out = append(AppendU32(e.out, n), declarations...)
		return
	}
	e.out = append(append(AppendU32(e.out, n+1), declarations...), 1, byte(I32))
}

// emitInstruction writes one instruction, behind its charges.
func (e *emitter) emitInstruction(in *instruction) {
	if len(e.charges) > 0 && int(e.charges[0].at) == in.at {
		e.emitCharge(e.charges[0])
		e.charges = e.charges[1:]
	}
	switch in.op {
	case opBlock, opLoop, opIf:
		e.depth++
	case opEnd:
		e.depth--
		if e.depth < 0 && e.f.countsStack {
			e.out = append(e.out, byte(opEnd)) // of the block around the body
			e.emitExit()
		}
	case opReturn:
		if e.f.countsStack {
			e.out = op1(e.out, opBr, uint32(e.depth))
			return
		}
	case opReturnCall, opReturnCallIn:
		if e.f.countsStack {
			e.emitExit()
		}
	}
	switch {
	case e.needsChunks(in):
		e.emitChunked(in)
		return
	case costsBySize(in.op):
		e.emitSizeCharge(in)
	}
	e.out = e.appendMapped(e.out, in, e.functionIndex)
}

// emitCharge takes the cost of c from the fuel.
func (e *emitter) emitCharge(c charge) {
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.out = AppendSigned(append(e.out, byte(opI64Const)), int64(c.cost))
	e.emitSubtract()
	if c.checked {
		e.emitFuelCheck()
	}
}

// emitSubtract takes the value on top of the stack from the fuel, which is below it.
func (e *emitter) emitSubtract() {
	e.out = op1(append(e.out, byte(opI64Sub)), opGlobalSet, e.fuel)
}

// emitFuelCheck calls the callback if the fuel is below zero.
func (e *emitter) emitFuelCheck() {
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.emitIsNegative()
	e.out = append(e.out, byte(opIf), noResult, byte(opI32Const), byte(OutOfFuel))
	e.out = append(op1(e.out, opCall, e.callback), byte(opEnd))
}

// emitSizeCharge charges an instruction for the size on top of the stack, which stays there.
func (e *emitter) emitSizeCharge(in *instruction) {
	e.out = op1(e.out, opLocalTee, e.size)
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.out = append(op1(e.out, opLocalGet, e.size), byte(opI64ExtendU))
	switch in.op {
	case opMemoryFill, opMemoryCopy, opMemoryInit:
		e.out = append(e.out, byte(opI64Const), costBytesLog, byte(opI64ShrU))
	case opMemoryGrow:
		e.out = AppendSigned(append(e.out, byte(opI64Const)), costPage)
		e.out = append(e.out, byte(opI64Mul))
		e.emitZeroAbove(e.maxPages())
	case opTableGrow:
		e.emitZeroAbove(e.p.m.Tables[in.a].Max)
	}
	e.emitSubtract()
	e.emitFuelCheck()
}

// emitZeroAbove replaces the cost by zero if the size is over limit, because the instruction then fails without work.
func (e *emitter) emitZeroAbove(limit uint32) {
	e.out = append(e.out, byte(opI64Const), 0)
	e.out = op1(e.out, opLocalGet, e.size)
	e.out = AppendSigned(append(e.out, byte(opI32Const)), int64(int32(limit)))
	e.out = append(e.out, byte(opI32LeU), byte(opSelect))
}

// maxPages returns the size that the memory can grow to.
func (e *emitter) maxPages() uint32 {
	pages := uint32(maxMemoryPages)
	if mem := e.p.m.Memory; mem.HasMax {
		pages = mem.Max
	}
	if e.o.MemoryPages > 0 {
		pages = min(pages, e.o.MemoryPages)
	}
	return pages
}

// emitEntry takes the function's weight from the stack counter, and charges the entry if it has a charge. It opens a
// block around the body: a return becomes a branch to the end of that block, which has the label of the function's own
// block.
func (e *emitter) emitEntry(typeIndex uint32) {
	e.emitStack(opI64Sub)
	e.out = op1(e.out, opGlobalGet, e.stack)
	if len(e.charges) > 0 && int(e.charges[0].at) == e.f.code {
		e.charges[0].checked = false // both counters are checked together: the or is negative if one of them is
		e.emitCharge(e.charges[0])
		e.charges = e.charges[1:]
		e.out = append(op1(e.out, opGlobalGet, e.fuel), byte(opI64Or))
	}
	e.emitIsNegative()
	e.out = append(e.out, byte(opIf), noResult)
	e.out = op1(e.out, opGlobalGet, e.stack)
	e.emitIsNegative() // 1 is StackOverflow, 0 is OutOfFuel
	e.out = op1(e.out, opCall, e.callback)
	e.out = op1(e.out, opGlobalGet, e.stack)
	e.emitIsNegative()
	e.out = append(e.out, byte(opIf), noResult, byte(opUnreachable), byte(opEnd), byte(opEnd))
	e.out = append(e.out, byte(opBlock))
	switch b := e.resultBlock(typeIndex); {
	case b.indexed:
		e.out = AppendSigned(e.out, int64(b.index))
	case b.result != 0:
		e.out = append(e.out, byte(b.result))
	default:
		e.out = append(e.out, noResult)
	}
}

// emitExit gives the function's weight back to the stack counter.
func (e *emitter) emitExit() { e.emitStack(opI64Add) }

// emitStack adds the function's weight to the stack counter, or subtracts it.
func (e *emitter) emitStack(op opcode) {
	e.out = op1(e.out, opGlobalGet, e.stack)
	e.out = AppendSigned(append(e.out, byte(opI64Const)), int64(e.f.weight))
	e.out = op1(append(e.out, byte(op)), opGlobalSet, e.stack)
}

// emitIsNegative replaces the i64 on top of the stack by 1 if it is below zero, and by 0 otherwise.
func (e *emitter) emitIsNegative() {
	e.out = append(e.out, byte(opI64Const), 0, byte(opI64LtS))
}

// resultBlock returns the type of a block with the results of a function. Several results need an added type.
func (w *writer) resultBlock(typeIndex uint32) blockType {
	results := w.p.m.Types[typeIndex].Results
	switch len(results) {
	case 0:
		return blockType{}
	case 1:
		return blockType{result: results[0]}
	}
	b, ok := w.resultBlocks[typeIndex]
	if !ok {
		b = blockType{indexed: true, index: w.addType(FuncType{Results: results})}
		w.resultBlocks[typeIndex] = b
	}
	return b
}
