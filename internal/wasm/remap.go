package wasm

// The functions of this file copy the body of a section, of a module that Scan accepted, and add items to its vector.
// Where code or data names functions, they map the indexes, because an added import moves the indexes of all functions.

// AppendVector appends the vector that is the body of a section, and n more items, which are encoded in items. An empty
// body is an empty vector.
func AppendVector(b, body []byte, n int, items []byte) []byte {
	r, length := vectorReader(body)
	b = AppendU32(b, length+uint32(n))
	return append(append(b, r.b[r.p:]...), items...)
}

// AppendGlobals is like AppendVector for the body of a global section. index maps the indexes of functions.
func AppendGlobals(b, body []byte, n int, items []byte, index func(uint32) uint32) ([]byte, error) {
	r, length := vectorReader(body)
	b = mapGlobals(AppendU32(b, length+uint32(n)), &r, length, index)
	return append(b, items...), r.err
}

// AppendElements is like AppendVector for the body of an element section. index maps the indexes of functions.
func AppendElements(b, body []byte, n int, items []byte, index func(uint32) uint32) ([]byte, error) {
	r, length := vectorReader(body)
	b = mapElements(AppendU32(b, length+uint32(n)), &r, length, index)
	return append(b, items...), r.err
}

// AppendCode is like AppendVector for the body of a code section. index maps the indexes of functions.
func AppendCode(b, body []byte, n int, items []byte, index func(uint32) uint32) ([]byte, error) {
	r, length := vectorReader(body)
	b = AppendU32(b, length+uint32(n))
	var code []byte
	var err error
	for range length {
		if code, err = mapBody(code[:0], r.sub(r.u32()), index); err != nil {
			return nil, err
		}
		b = AppendSized(b, code)
	}
	return append(b, items...), r.err
}

// vectorReader returns a reader of the items of a vector, and its length.
func vectorReader(body []byte) (r reader, length uint32) {
	r = reader{b: body, end: len(body)}
	if r.more() {
		length = r.u32()
	}
	return r, length
}

// mapGlobals appends n globals of r to b.
func mapGlobals(b []byte, r *reader, n uint32, index func(uint32) uint32) []byte {
	for range n {
		if r.err != nil {
			break
		}
		b = append(b, r.byte(), r.byte()) // type and mutability
		b = mapExpression(b, r, index)
	}
	return b
}

// mapElements appends n element segments of r to b.
func mapElements(b []byte, r *reader, n uint32, index func(uint32) uint32) []byte {
	for range n {
		flags := segmentFlags(r.u32())
		b = AppendU32(b, uint32(flags))
		if flags.active() {
			if flags.hasTable() {
				b = AppendU32(b, r.u32())
			}
			b = mapExpression(b, r, index)
		}
		if flags.typed() {
			b = append(b, r.byte())
		}
		values := r.u32()
		b = AppendU32(b, values)
		for range values {
			if r.err != nil {
				return b
			}
			if flags.expressions() {
				b = mapExpression(b, r, index)
			} else {
				b = AppendU32(b, index(r.u32()))
			}
		}
	}
	return b
}

// mapExpression appends the constant expression of r to b.
func mapExpression(b []byte, r *reader, index func(uint32) uint32) []byte {
	d := decoder{reader: *r}
	var in instruction
	for {
		d.next(&in)
		if d.err != nil {
			break
		}
		b = d.appendMapped(b, &in, index)
		if in.op == opEnd {
			break
		}
	}
	*r = d.reader
	return b
}

// mapBody appends the body of a function, locals and code, to b.
func mapBody(b []byte, r reader, index func(uint32) uint32) ([]byte, error) {
	d := decoder{reader: r, maxLabels: r.end}
	start := d.p
	for range d.u32() { // groups of locals
		d.u32()
		d.byte()
		if d.err != nil {
			break
		}
	}
	b = append(b, d.b[start:d.p]...)
	var in instruction
	for d.more() {
		d.next(&in)
		if d.err == nil {
			b = d.appendMapped(b, &in, index)
		}
	}
	return b, d.err
}

// appendMapped appends the instruction that d has just read to b.
func (d *decoder) appendMapped(b []byte, in *instruction, index func(uint32) uint32) []byte {
	switch in.op {
	case opCall, opReturnCall, opRefFunc:
		return op1(b, in.op, index(in.a))
	}
	return append(b, d.b[in.at:d.p]...)
}
