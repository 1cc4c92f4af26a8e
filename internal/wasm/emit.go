package wasm

// allCode writes the content of the code section.
func (w *writer) allCode() error {
	w.code = make([]byte, 0, w.p.m.BodyBytes*3/2+16)
	e := emitter{writer: w}
	e.maxLabels = len(w.p.module)
	for i := range w.p.functions {
		if err := e.function(i); err != nil {
			return err
		}
		w.code = appendSized(w.code, e.out)
	}
	for _, body := range w.helperBodies {
		w.code = appendSized(w.code, body)
	}
	return nil
}

// emitter writes one function after the other.
type emitter struct {
	*writer
	decoder
	out    []byte
	f      *function
	sites  []site // not yet written
	size   uint32 // the added local for sizes
	depth  int    // blocks that are open in the original
	copied int    // up to here the original is written
}

// function writes the i-th function with a body to e.out.
func (e *emitter) function(i int) error {
	f, body := &e.p.functions[i], e.p.m.bodies[i]
	e.f, e.out = f, e.out[:0]
	e.reader = reader{b: e.p.module, p: body.start, end: body.end}
	e.sites = e.p.planner.sites[f.sites[0]:f.sites[1]]
	e.locals()
	if f.counted {
		e.enter(e.p.m.funcs[e.p.m.ImportedFunctions+i])
	}
	e.depth = 0
	var in instruction
	for e.depth >= 0 && e.err == nil {
		e.copied = e.reader.p
		e.next(&in)
		if e.err == nil {
			e.instruction(&in)
		}
	}
	return e.done("a function")
}

// locals copies the declarations, and adds one.
func (e *emitter) locals() {
	r := &e.reader
	n := r.u32()
	start := r.p
	for range n {
		r.u32()
		r.byte()
	}
	decls := e.b[start:r.p]
	e.size = uint32(e.f.localCount)
	if !e.f.bulk {
		e.out = append(appendU32(e.out, n), decls...)
		return
	}
	e.out = append(append(appendU32(e.out, n+1), decls...), 1, byte(I32))
}

// instruction writes one instruction and what is due before it.
func (e *emitter) instruction(in *instruction) {
	if len(e.sites) > 0 && int(e.sites[0].at) == in.at {
		e.pay(e.sites[0])
		e.sites = e.sites[1:]
	}
	switch in.op {
	case opBlock, opLoop, opIf:
		e.depth++
	case opEnd:
		e.depth--
		if e.depth < 0 && e.f.counted {
			e.out = append(e.out, byte(opEnd)) // of the block around the body
			e.leave()
		}
	case opReturn:
		if e.f.counted {
			e.out = op1(e.out, opBr, uint32(e.depth))
			return
		}
	case opReturnCall, opReturnCallIn:
		if e.f.counted {
			e.leave()
		}
	}
	switch {
	case in.op == opCall || in.op == opReturnCall || in.op == opRefFunc:
		e.out = op1(e.out, in.op, e.writer.function(in.a))
		return
	case e.chunked(in):
		e.inChunks(in)
		return
	case bySize(in.op):
		e.paySize(in)
	}
	e.out = append(e.out, e.b[in.at:e.reader.p]...)
}

// pay takes what a site costs from the fuel.
func (e *emitter) pay(s site) {
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.out = appendSigned(append(e.out, byte(opI64Const)), int64(s.cost))
	e.subtract()
	if s.checked {
		e.checkFuel()
	}
}

// subtract takes what is on top of the stack from the fuel below it.
func (e *emitter) subtract() {
	e.out = op1(append(e.out, byte(opI64Sub)), opGlobalSet, e.fuel)
}

// checkFuel calls the hook if there is less than no fuel.
func (e *emitter) checkFuel() {
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.negative()
	e.out = append(e.out, byte(opIf), 0x40, byte(opI32Const), byte(OutOfFuel))
	e.out = append(op1(e.out, opCall, e.hook), byte(opEnd))
}

// paySize takes what an instruction costs by the size on top of the stack,
// which stays there.
func (e *emitter) paySize(in *instruction) {
	e.out = op1(e.out, opLocalTee, e.size)
	e.out = op1(e.out, opGlobalGet, e.fuel)
	e.out = append(op1(e.out, opLocalGet, e.size), byte(opI64ExtendU))
	switch in.op {
	case opMemoryFill, opMemoryCopy, opMemoryInit:
		e.out = append(e.out, byte(opI64Const), costBytes, byte(opI64ShrU))
	case opMemoryGrow:
		e.out = appendSigned(append(e.out, byte(opI64Const)), costPage)
		e.out = append(e.out, byte(opI64Mul))
		e.upTo(e.maxPages())
	case opTableGrow:
		e.upTo(e.p.m.Tables[in.a].Max)
	}
	e.subtract()
	e.checkFuel()
}

// upTo makes the cost zero if the size is over limit: then the instruction
// fails without work.
func (e *emitter) upTo(limit uint32) {
	e.out = append(e.out, byte(opI64Const), 0)
	e.out = op1(e.out, opLocalGet, e.size)
	e.out = appendSigned(append(e.out, byte(opI32Const)), int64(int32(limit)))
	e.out = append(e.out, byte(opI32LeU), byte(opSelect))
}

func (e *emitter) maxPages() uint32 {
	pages := uint32(1 << 16)
	if mem := e.p.m.Memory; mem.HasMax {
		pages = mem.Max
	}
	if e.o.MemoryPages > 0 {
		pages = min(pages, e.o.MemoryPages)
	}
	return pages
}

// enter takes the function's weight from the stack counter, pays at the same
// time if the entry is a site, and opens a block around the body: a return
// becomes a branch to its end, as that has the number of the function's own
// label.
func (e *emitter) enter(typeIndex uint32) {
	e.takeStack(opI64Sub)
	e.out = op1(e.out, opGlobalGet, e.stack)
	if len(e.sites) > 0 && int(e.sites[0].at) == e.f.code {
		e.sites[0].checked = false // here, both at once: negative if one of them is
		e.pay(e.sites[0])
		e.sites = e.sites[1:]
		e.out = append(op1(e.out, opGlobalGet, e.fuel), byte(opI64Or))
	}
	e.negative()
	e.out = append(e.out, byte(opIf), 0x40)
	e.out = op1(e.out, opGlobalGet, e.stack)
	e.negative() // StackOverflow if so, else OutOfFuel
	e.out = op1(e.out, opCall, e.hook)
	e.out = op1(e.out, opGlobalGet, e.stack)
	e.negative()
	e.out = append(e.out, byte(opIf), 0x40, byte(opUnreachable), byte(opEnd), byte(opEnd))
	e.out = append(e.out, byte(opBlock))
	switch b := e.resultBlock(typeIndex); {
	case b.indexed:
		e.out = appendSigned(e.out, int64(b.index))
	case b.result != 0:
		e.out = append(e.out, byte(b.result))
	default:
		e.out = append(e.out, 0x40)
	}
}

// leave gives the function's weight back.
func (e *emitter) leave() { e.takeStack(opI64Add) }

func (e *emitter) takeStack(op opcode) {
	e.out = op1(e.out, opGlobalGet, e.stack)
	e.out = appendSigned(append(e.out, byte(opI64Const)), int64(e.f.weight))
	e.out = op1(append(e.out, byte(op)), opGlobalSet, e.stack)
}

// negative makes 1 of an i64 below zero, and 0 of another.
func (e *emitter) negative() {
	e.out = append(e.out, byte(opI64Const), 0, byte(opI64LtS))
}

// resultBlock is the type of a block that gives what a function gives. For
// several results a type is added.
func (w *writer) resultBlock(typeIndex uint32) blockType {
	results := w.p.m.Types[typeIndex].Results
	switch len(results) {
	case 0:
		return blockType{}
	case 1:
		return blockType{result: results[0]}
	}
	b, ok := w.results[typeIndex]
	if !ok {
		b = blockType{indexed: true, index: w.addType(nil, results)}
		w.results[typeIndex] = b
	}
	return b
}
