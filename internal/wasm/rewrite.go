package wasm

// addresses notes the functions whose address element segments and globals take.
func (p *planning) addresses() error {
	for _, sec := range p.m.sections {
		r := reader{b: p.module, p: sec.body.start, end: sec.body.end}
		switch sec.id {
		case secElement:
			copyElements(nil, &r, func(f uint32) uint32 { p.take(f); return f })
		case secGlobal:
			for range r.u32() {
				r.skip(2)
				copyExpression(nil, &r, func(f uint32) uint32 { p.take(f); return f })
				if r.err != nil {
					break
				}
			}
		}
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

// copyExpression appends the constant expression in r to b, with functions
// mapped by fn.
func copyExpression(b []byte, r *reader, fn func(uint32) uint32) []byte {
	d := decoder{reader: *r}
	var in instruction
	for {
		d.next(&in)
		if d.err != nil {
			break
		}
		if in.op == opRefFunc {
			b = op1(b, in.op, fn(in.a))
		} else {
			b = append(b, d.b[in.at:d.p]...)
		}
		if in.op == opEnd {
			break
		}
	}
	*r = d.reader
	return b
}

// copyElements appends the vector of element segments in r to b, with
// functions mapped by fn.
func copyElements(b []byte, r *reader, fn func(uint32) uint32) []byte {
	n := r.u32()
	b = appendU32(b, n)
	for range n {
		h := segmentHead{flags: r.u32()}
		b = appendU32(b, h.flags)
		if h.active() {
			if h.flags&segHasTable != 0 {
				b = appendU32(b, r.u32())
			}
			b = copyExpression(b, r, fn)
		}
		if h.typed() {
			b = append(b, r.byte())
		}
		values := r.u32()
		b = appendU32(b, values)
		for range values {
			if r.err != nil {
				return b
			}
			if h.expressions() {
				b = copyExpression(b, r, fn)
			} else {
				b = appendU32(b, fn(r.u32()))
			}
		}
	}
	return b
}
