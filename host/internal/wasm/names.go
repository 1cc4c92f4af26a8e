package wasm

import "strings"

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
			sub.name(0, "the module's name")
		case nameFunctions:
			s.m.Names = nil
			n := sub.count(2, "function names")
			s.m.Names = make([]FuncName, 0, n)
			for range n {
				s.m.Names = append(s.m.Names, FuncName{sub.u32(), sub.name(0, "a function's name")})
			}
		case nameLocals:
			for range sub.count(2, "functions with names of locals") {
				sub.u32()
				for range sub.count(2, "names of locals") {
					sub.u32()
					sub.name(0, "a local's name")
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
