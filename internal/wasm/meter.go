package wasm

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// MeterOptions configure Meter. Module, Name and Fuel are required.
type MeterOptions struct {
	// Module and Name name the callback: an import of type (i32) -> () that the code calls with a Reason when a counter is
	// below zero. The module must not have this import of its own.
	Module, Name string
	// Fuel is the name under which the fuel counter, a mutable i64, is exported.
	Fuel string
	// Stack is the name under which the stack counter, a mutable i64, is exported. Empty: it is not exported.
	Stack string
	// InitialFuel is the value of the fuel counter when the start function runs. 0: the first charge calls the callback.
	InitialFuel int64
	// MemoryPages is the size that the host lets a memory grow to, in pages of 64 KiB. Growing beyond it fails, and is not
	// charged by size. 0: the declared maximum.
	MemoryPages uint32
	// BulkChunk bounds the bytes of a memory.fill, memory.copy or memory.init between two fuel checks. It is rounded
	// down to a multiple of 16. 0: 1 MiB.
	BulkChunk uint32
	// MaxStack bounds the stack frames of the guest, in estimated bytes. 0: 1 MiB. Negative: the stack is not counted.
	MaxStack int
}

// Reason is the argument of the callback.
type Reason = uint32

// Reasons.
const (
	// OutOfFuel means that the fuel counter is below zero. When the callback returns, the guest continues. If the
	// counter is still below zero, the next check calls again.
	OutOfFuel Reason = iota
	// StackOverflow means that calls are too deep. When the callback returns, the guest traps.
	StackOverflow
)

const defaultStack = 1 << 20

// Meter rewrites a module that Scan accepted as m so that its code counts fuel and stack, as the package comment
// describes. A compiler accepts the result if it accepts the module. Meter changes neither module nor m.
func Meter(module []byte, m *Module, o MeterOptions) ([]byte, error) {
	if len(module) != m.Size || crc32.ChecksumIEEE(module) != m.sum {
		return nil, errors.New("metering: the module is not the one that was scanned")
	}
	if o.MaxStack == 0 {
		o.MaxStack = defaultStack
	}
	o.BulkChunk = roundChunk(o.BulkChunk)
	if err := o.validate(m); err != nil {
		return nil, err
	}
	p := newPlan(module, m)
	for i := range p.functions {
		if err := p.planFunction(i); err != nil {
			return nil, fmt.Errorf("metering: %w", err)
		}
	}
	if err := p.takeSegmentAddresses(); err != nil {
		return nil, fmt.Errorf("metering: %w", err)
	}
	if o.MaxStack > 0 {
		p.planStack()
	}
	w := newWriter(p, o)
	if err := w.writeModule(); err != nil {
		return nil, fmt.Errorf("metering: %w", err)
	}
	return w.out, nil
}

// validate reports options that are wrong or conflict with the module.
func (o MeterOptions) validate(m *Module) error {
	if o.Module == "" || o.Name == "" || o.Fuel == "" || o.Fuel == o.Stack {
		return errors.New("metering: Module, Name and Fuel are needed, and Stack must differ from Fuel")
	}
	if o.MaxStack > 1<<30 {
		return fmt.Errorf("metering: a stack of %d bytes: 1 GiB is the most", o.MaxStack)
	}
	for _, im := range m.Imports {
		if im.Module == o.Module && im.Name == o.Name {
			return fmt.Errorf("the module imports %s.%s, which is reserved: remove the import", o.Module, o.Name)
		}
	}
	reserved := func(e Export) bool { return e.Name == o.Fuel || o.Stack != "" && e.Name == o.Stack }
	if slices.ContainsFunc(m.Exports, reserved) {
		return fmt.Errorf("the module exports %q or %q, which are reserved: rename the export", o.Fuel, o.Stack)
	}
	return nil
}
