package wasm

import (
	"fmt"
	"reflect"
)

// Limits bound what Scan accepts. A zero field is its default. The defaults
// start from the limits of the WebAssembly JS API ("Implementation-defined
// Limits"), and are lower where the compiler's memory is many times the size
// of what is declared, or where nothing in practice comes near.
type Limits struct {
	Module int // bytes of the file. 16 MiB. limits.max_module

	Types   int // 10,000. limits.max_types
	Params  int // of one function type. 1,000. limits.max_params
	Results int // of one function type. 1,000. limits.max_results
	Imports int // 1,000. limits.max_imports
	Exports int // 10,000. limits.max_exports
	Globals int // without the imported ones. 10,000. limits.max_globals

	Functions   int // without the imported ones. 100,000. limits.max_functions
	Body        int // bytes of one function's body. 1 MiB. limits.max_body
	Locals      int // of one function, without its parameters. 50,000. limits.max_locals
	TotalLocals int // of all functions. 2,000,000. limits.max_total_locals
	Nesting     int // of blocks in a function. 1,000. limits.max_nesting
	Branches    int // labels of one br_table. 65,520. limits.max_branches
	// Blocks is how many basic blocks a function may have, about: what wazero
	// takes to compile it grows with the square. 10,000. limits.max_blocks
	Blocks int
	// LoopWork bounds the sum, over the loops of a function, of its locals times
	// the loops around: wazero's compiler goes over all locals of a loop again for
	// each loop within (its elimination of redundant phis). 100,000.
	// limits.max_loop_work
	LoopWork int
	// LocalWork bounds the locals of a function that are read in another block than the
	// one that set them, times its blocks, and the walks to them: the compiler may go over
	// all of them in each block. 400,000. limits.max_local_work
	LocalWork int
	// Work bounds the squares of the blocks of all functions, added up, and what
	// loops and locals that live on are as much as. 400,000,000, which is ten times
	// a Go program of 3 MB, and at most about 3 s to compile. limits.max_work
	Work int
	// Operands is how many values the calls, blocks and branches of one
	// function may move, by their types. 1,000,000. limits.max_operands
	Operands int

	Tables    int // imported ones included. 16. limits.max_tables
	TableSize int // elements a table has, or may grow to. 100,000. limits.max_table_size
	// MemoryPages bounds the pages of 64 KiB that a memory starts with.
	// 1,024 (64 MiB). limits.max_memory_pages
	// A larger declared maximum is no error: who runs the module caps it.
	MemoryPages int

	Data          int // data segments; the Go compiler makes tens of thousands. 100,000. limits.max_data
	Elements      int // element segments. 10,000. limits.max_elements
	ElementValues int // values of all element segments. 200,000. limits.max_element_values

	Customs     int // custom sections. 1,000. limits.max_customs
	CustomBytes int // of all custom sections. 16 MiB. limits.max_custom_bytes
	Name        int // bytes of the name of an import, export or custom section. 4,096. limits.max_name
}

// DefaultLimits returns the limits that hold where a field of Limits is zero.
func DefaultLimits() Limits {
	return Limits{
		Module:        16 << 20,
		Types:         10_000,
		Params:        1_000,
		Results:       1_000,
		Imports:       1_000,
		Exports:       10_000,
		Globals:       10_000,
		Functions:     100_000,
		Body:          1 << 20,
		Locals:        50_000,
		TotalLocals:   2_000_000,
		Nesting:       1_000,
		Branches:      65_520,
		Blocks:        10_000,
		LoopWork:      100_000,
		LocalWork:     400_000,
		Work:          400_000_000,
		Operands:      1_000_000,
		Tables:        16,
		TableSize:     100_000,
		MemoryPages:   1_024,
		Data:          100_000,
		Elements:      10_000,
		ElementValues: 200_000,
		Customs:       1_000,
		CustomBytes:   16 << 20,
		Name:          4_096,
	}
}

// withDefaults returns l with its default in each field that is not positive.
func (l Limits) withDefaults() Limits {
	v := reflect.ValueOf(&l).Elem()
	defaults := reflect.ValueOf(DefaultLimits())
	for i := range v.NumField() {
		if v.Field(i).Int() <= 0 {
			v.Field(i).Set(defaults.Field(i))
		}
	}
	return l
}

// over returns a LimitError if found is over limit. key is without "limits.max_".
func over(found uint64, limit int, what, key string) error {
	if found <= uint64(limit) {
		return nil
	}
	return &LimitError{what, found, uint64(limit), "limits.max_" + key}
}

// overIn is over for what function f has.
func overIn(f uint32, found uint64, limit int, what, key string) error {
	if found <= uint64(limit) {
		return nil
	}
	return over(found, limit, fmt.Sprintf("%s of function %d", what, f), key)
}
