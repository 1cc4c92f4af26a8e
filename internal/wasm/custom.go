package wasm

// Custom returns the contents of all custom sections called name, as slices of module. It reads the heads of sections
// only, and stops where the module is malformed.
func Custom(module []byte, name string) (found [][]byte) {
	r := reader{b: module, p: len(Header), end: len(module)}
	for r.err == nil && r.more() {
		id := SectionID(r.byte())
		body := r.sub(r.u32())
		if r.err != nil || id != CustomSection {
			continue
		}
		if n := body.name(0, "the name of a custom section"); body.err == nil && n == name {
			found = append(found, body.b[body.p:body.end])
		}
	}
	return found
}
