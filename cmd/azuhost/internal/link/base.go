package link

import (
	"errors"
	"fmt"

	"github.com/azuhost/azuhost/internal/wasm"
)

// base is the module that is extended.
type base struct {
	*wasm.Module
	file []byte
}

// readBase reads a module. It does not check operand types: the linked module is validated when it is loaded.
func readBase(file []byte) (*base, error) {
	m, err := wasm.Scan(file, wasm.Limits{})
	if err != nil {
		return nil, err
	}
	for _, im := range m.Imports {
		if im.Kind != wasm.Func {
			return nil, fmt.Errorf("its import %s.%s is a %v: only functions can be linked", im.Module, im.Name, im.Kind)
		}
	}
	if len(m.Tables) > 1 || len(m.Tables) == 1 && m.Tables[0].Elem != wasm.FuncRef {
		return nil, errors.New("it has tables other than one of functions, which cannot be linked")
	}
	if m.Start >= 0 {
		return nil, errors.New("it has a start function, which cannot be linked")
	}
	return &base{m, file}, nil
}

// section returns the body of a section, or nil.
func (b *base) section(id wasm.SectionID) []byte { return b.Section(b.file, id) }

// tableSize returns the initial size of the table, or 0 without one.
func (b *base) tableSize() uint32 {
	if len(b.Tables) == 0 {
		return 0
	}
	return b.Tables[0].Min
}
