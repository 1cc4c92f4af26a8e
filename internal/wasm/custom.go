package wasm

// Custom returns the contents of the custom sections of a name. It looks at the
// heads of sections only, and gives up where a module is malformed.
func Custom(module []byte, name string) (found [][]byte) {
	r := reader{b: module, p: len(header), end: len(module)}
	for r.err == nil && r.more() {
		id := r.byte()
		body := r.sub(r.u32())
		if r.err != nil || id != secCustom {
			continue
		}
		if n := body.name(0, "the name of a custom section"); body.err == nil && n == name {
			found = append(found, body.b[body.p:body.end])
		}
	}
	return found
}
