package wasm

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// MeterOptions configure Meter.
type MeterOptions struct {
	// Module and Name are those of the import that the code calls when a
	// counter is below zero. Its signature is (i32) -> (), its argument a
	// Reason. The module must not have this import of its own.
	Module, Name string
	// Fuel is the export name of the fuel counter, a mutable i64.
	Fuel string
	// Stack is the export name of the stack counter, a mutable i64. Empty: it
	// is not exported.
	Stack string
	// InitialFuel is what the counter holds when the start function runs. 0:
	// the first payment calls the import.
	InitialFuel int64
	// MemoryPages is how many pages the host lets a memory have: to grow by more
	// fails, and is not charged by size. 0: what the module declares.
	MemoryPages uint32
	// BulkChunk is how many bytes a memory.fill, memory.copy or memory.init does at
	// most between two looks at the fuel, rounded down to 16. 0: 1 MiB.
	BulkChunk uint32
	// MaxStack bounds the frames of guest code, in estimated bytes. 0: 1 MiB.
	// Negative: the stack is not counted.
	MaxStack int
}

// Reason says why the import is called.
type Reason = uint32

// Reasons.
const (
	// OutOfFuel: the fuel counter is below zero. When the import returns, the
	// guest runs on; if the counter is still below zero, the next payment calls
	// again.
	OutOfFuel Reason = iota
	// StackOverflow: calls are too deep. When the import returns, the guest traps.
	StackOverflow
)

const defaultStack = 1 << 20

// Meter rewrites a module that Scan accepted as m, so that it pays for what it
// runs: see the package's comment. Types of operands stay as they are, so that
// a compiler accepts the result if it accepts the module. m is not changed.
func Meter(module []byte, m *Module, o MeterOptions) ([]byte, error) {
	if len(module) != m.Size || crc32.ChecksumIEEE(module) != m.sum {
		return nil, errors.New("metering: the module is not the one that was scanned")
	}
	if o.MaxStack == 0 {
		o.MaxStack = defaultStack
	}
	o.BulkChunk = roundChunk(o.BulkChunk)
	if err := o.check(m); err != nil {
		return nil, err
	}
	p := newPlanning(module, m)
	w := newWriter(p, o)
	for i := range p.functions {
		if err := p.function(i); err != nil {
			return nil, fmt.Errorf("metering: %w", err)
		}
	}
	if err := p.addresses(); err != nil {
		return nil, fmt.Errorf("metering: %w", err)
	}
	if o.MaxStack > 0 {
		p.depths()
	}
	if err := w.module(); err != nil {
		return nil, fmt.Errorf("metering: %w", err)
	}
	return w.out, nil
}

func (o MeterOptions) check(m *Module) error {
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
	if slices.ContainsFunc(m.Exports, func(e Export) bool { return e.Name == o.Fuel || o.Stack != "" && e.Name == o.Stack }) {
		return fmt.Errorf("the module exports %q or %q, which are reserved: rename the export", o.Fuel, o.Stack)
	}
	return nil
}
