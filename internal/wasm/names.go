package wasm

import (
	"strings"
	"unicode/utf8"
)

// maxDebugName is how many bytes are kept of a name in the name section. wazero
// puts the module's name before that of each function, and both into every line of
// a trap's stack.
const maxDebugName = 256

const (
	nameModule    = 0
	nameFunctions = 1
	nameLocals    = 2
)

func (s *scanner) custom(r *reader, sec *section) error {
	sec.name = r.name(s.l.Name, "the name of a custom section")
	if r.err != nil {
		return r.err
	}
	sec.body.start = r.p
	s.m.Customs = append(s.m.Customs, sec.name)
	s.customBytes += sec.full.end - sec.full.start
	if err := over(uint64(len(s.m.Customs)), s.l.Customs, "custom sections", "customs"); err != nil {
		return err
	}
	if err := over(uint64(s.customBytes), s.l.CustomBytes, "bytes of all custom sections", "custom_bytes"); err != nil {
		return err
	}
	if sec.name == "name" {
		return s.names(r, sec)
	}
	r.p = r.end
	return nil
}

// names reads the name section (appendix A.3). By the rules a malformed one
// does no harm; but compilers trust its counts.
func (s *scanner) names(r *reader, sec *section) error {
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
			s.m.Names = nil
			n := sub.count(2, "function names")
			s.m.Names = make([]FuncName, 0, n)
			for range n {
				s.m.Names = append(s.m.Names, FuncName{sub.u32(), s.debugName(&sub, "a function's name")})
			}
		case nameLocals:
			for range sub.count(2, "functions with names of locals") {
				sub.u32()
				for range sub.count(2, "names of locals") {
					sub.u32()
					s.debugName(&sub, "a local's name")
					if sub.err != nil {
						return sub.err
					}
				}
			}
		default:
			sub.p = sub.end
		}
		if err := sub.done("a part of the name section"); err != nil {
			return err
		}
	}
	return r.err
}

// debugName reads a name of any length, and returns what is kept of it.
func (s *scanner) debugName(r *reader, what string) string {
	n := r.nameBytes(0, what)
	kept := cutName(n)
	s.m.longNames = s.m.longNames || len(kept) < len(n)
	return string(kept)
}

// cutName is the beginning of a name, in whole characters: maxDebugName bytes at most.
func cutName(name []byte) []byte {
	n := len(name)
	if n > maxDebugName {
		for n = maxDebugName; !utf8.RuneStart(name[n]); n-- {
		}
	}
	return name[:n]
}

// CutNames returns a module that Scan accepted as m with names of at most 256
// bytes in its name section, and without those of locals: module itself if they
// have no more. What Meter makes is like that.
func CutNames(module []byte, m *Module) []byte {
	if !m.longNames {
		return module
	}
	out := append(make([]byte, 0, len(module)), header...)
	for _, sec := range m.sections {
		if sec.id == secCustom && sec.name == "name" {
			out = appendNames(out, module, m, sec, func(f uint32) uint32 { return f })
			continue
		}
		out = append(out, module[sec.full.start:sec.full.end]...)
	}
	return out
}

// appendNames appends the name section with the names of the module and of its
// functions, whose indexes fn maps. Those of locals, labels and the rest are left
// out: traps do not show them.
func appendNames(out, module []byte, m *Module, sec section, fn func(uint32) uint32) []byte {
	b := appendName(nil, "name")
	r := reader{b: module, p: sec.body.start, end: sec.body.end}
	for r.more() {
		id := r.byte()
		sub := r.sub(r.u32())
		if id == nameModule {
			name := cutName(sub.nameBytes(0, "the module's name"))
			b = appendSized(append(b, id), appendName(nil, string(name)))
		}
	}
	if len(m.Names) > 0 {
		names := appendU32(nil, uint32(len(m.Names)))
		for _, n := range m.Names {
			names = appendName(appendU32(names, fn(n.Index)), n.Name)
		}
		b = appendSized(append(b, nameFunctions), names)
	}
	return appendSized(append(out, secCustom), b)
}

// dropped says whether a rewritten module goes without a custom section: its
// content holds offsets of code, which move.
func dropped(name string) bool {
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
