package wasm

import (
	"strings"
	"unicode/utf8"
)

// maxDebugName bounds a name of the name section, in bytes. wazero puts the module's name before that of each function,
// and both into every line of a stack trace.
const maxDebugName = 256

// Subsections of the name section (appendix A.3).
const (
	nameModule    = 0
	nameFunctions = 1
	nameLocals    = 2
)

// readCustom reads a custom section: its name, and the content of the name section.
func (s *scanner) readCustom(r *reader, sec *section) error {
	sec.name = r.name(s.l.Name, "the name of a custom section")
	if r.err != nil {
		return r.err
	}
	sec.body.start = r.p
	s.m.Customs = append(s.m.Customs, sec.name)
	s.customBytes += sec.full.end - sec.full.start
	if err := checkLimit(uint64(len(s.m.Customs)), s.l.Customs, "custom sections", "customs"); err != nil {
		return err
	}
	const what = "bytes of all custom sections"
	if err := checkLimit(uint64(s.customBytes), s.l.CustomBytes, what, "custom_bytes"); err != nil {
		return err
	}
	if sec.name == "name" {
		return s.readNames(r, sec)
	}
	r.p = r.end
	return nil
}

// readNames reads the name section (appendix A.3). The specification ignores a malformed one. Scan refuses it, because
// compilers trust its counts.
func (s *scanner) readNames(r *reader, sec *section) error {
	if s.hasNames {
		r.syntax(sec.full.start, "two name sections")
	}
	s.hasNames = true
	for r.more() {
		id := r.byte()
		sub := r.sub(r.u32())
		switch id {
		case nameModule:
			s.debugName(&sub, "the module's name")
		case nameFunctions:
			n := sub.count(2, "function names")
			s.m.Names = make([]FuncName, 0, n)
			for range n {
				s.m.Names = append(s.m.Names, FuncName{sub.u32(), s.debugName(&sub, "a function's name")})
			}
		case nameLocals:
			s.skipLocalNames(&sub)
		default:
			sub.p = sub.end
		}
		if err := sub.done("a part of the name section"); err != nil {
			return err
		}
	}
	return r.err
}

// skipLocalNames checks the names of locals.
func (s *scanner) skipLocalNames(r *reader) {
	for range r.count(2, "functions with names of locals") {
		r.u32()
		for range r.count(2, "names of locals") {
			r.u32()
			s.debugName(r, "a local's name")
			if r.err != nil {
				return
			}
		}
	}
}

// debugName reads a name of any length, and returns it cut to maxDebugName bytes.
func (s *scanner) debugName(r *reader, what string) string {
	n := r.nameBytes(0, what)
	kept := cutName(n)
	s.m.longNames = s.m.longNames || len(kept) < len(n)
	return string(kept)
}

// cutName returns the longest prefix of name that has at most maxDebugName bytes and ends with a whole character.
func cutName(name []byte) []byte {
	n := len(name)
	if n > maxDebugName {
		for n = maxDebugName; !utf8.RuneStart(name[n]); n-- {
		}
	}
	return name[:n]
}

// CutNames returns a copy of a module that Scan accepted as m, with a name section that has names of at most 256 bytes
// and none of locals. It returns module itself if all of its names are that short. The output of Meter has such names.
func CutNames(module []byte, m *Module) []byte {
	if !m.longNames {
		return module
	}
	out := append(make([]byte, 0, len(module)), Header...)
	for _, sec := range m.sections {
		if sec.id == CustomSection && sec.name == "name" {
			out = appendNames(out, module, m, sec, func(f uint32) uint32 { return f })
			continue
		}
		out = append(out, module[sec.full.start:sec.full.end]...)
	}
	return out
}

// appendNames appends the name section sec with the names of the module and of its functions, whose indexes are mapped
// by index. It leaves out the names of locals, labels and the rest, which stack traces do not show.
func appendNames(out, module []byte, m *Module, sec section, index func(uint32) uint32) []byte {
	b := AppendName(nil, "name")
	r := reader{b: module, p: sec.body.start, end: sec.body.end}
	for r.more() {
		id := r.byte()
		sub := r.sub(r.u32())
		if id == nameModule {
			name := cutName(sub.nameBytes(0, "the module's name"))
			b = AppendSized(append(b, id), AppendName(nil, string(name)))
		}
	}
	if len(m.Names) > 0 {
		names := AppendU32(nil, uint32(len(m.Names)))
		for _, n := range m.Names {
			names = AppendName(AppendU32(names, index(n.Index)), n.Name)
		}
		b = AppendSized(append(b, nameFunctions), names)
	}
	return AppendSection(out, CustomSection, b)
}

// hasCodeOffsets reports whether custom sections of this name contain offsets of code, which are wrong after rewriting.
func hasCodeOffsets(name string) bool {
	switch name {
	case "sourceMappingURL", "external_debug_info", "linking", "branchHints":
		return true
	}
	for _, p := range []string{".debug_", "reloc.", "metadata.code."} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
