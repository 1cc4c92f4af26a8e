package wasm

import (
	"fmt"
	"reflect"
)

// Limits bound the modules that Scan accepts. A field that is not positive means its default, which the comment gives,
// followed by the key of the configuration. The defaults are those of the WebAssembly JS API ("Implementation-defined
// Limits"), or lower: where the compiler needs a multiple of the declared size, and where real modules stay far below.
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
	// Blocks bounds the estimated number of basic blocks of a function: wazero's time to compile it grows with the square.
	// 10,000. limits.max_blocks
	Blocks int
	// LoopWork bounds, for one function, the sum over its loops of its locals times the loop's nesting depth: wazero's
	// elimination of redundant phis visits all locals of a loop again for each loop inside. 100,000.
	// limits.max_loop_work
	LoopWork int
	// LocalWork bounds, for one function, the locals that are live across blocks times the blocks, plus the compiler's
	// walks to their definitions: wazero may visit all of them in each block. 400,000. limits.max_local_work
	LocalWork int
	// Work bounds the sum over all functions of the square of the blocks, plus the equivalent of their loop and local
	// work. 400,000,000, which takes up to about 3 s to compile; a Go program of 3 MB has a tenth of that.
	// limits.max_work
	Work int
	// Operands bounds the values that the calls, blocks and branches of one function move, by their types. 1,000,000.
	// limits.max_operands
	Operands int

	Tables    int // with the imported ones. 16. limits.max_tables
	TableSize int // elements of a table, or its declared maximum if it grows. 100,000. limits.max_table_size
	// MemoryPages bounds the initial size of the memory, in pages of 64 KiB. A larger declared maximum is accepted: the
	// host bounds growth. 1,024 (64 MiB). limits.max_memory_pages
	MemoryPages int

	Data          int // data segments; the Go compiler makes tens of thousands. 100,000. limits.max_data
	Elements      int // element segments. 10,000. limits.max_elements
	ElementValues int // values of all element segments. 200,000. limits.max_element_values

	Customs     int // custom sections. 1,000. limits.max_customs
	CustomBytes int // of all custom sections. 16 MiB. limits.max_custom_bytes
	Name        int // bytes of the name of an import, export or custom section. 4,096. limits.max_name
}

// DefaultLimits returns the default of every limit.
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

// checkLimit returns a LimitError if found is over limit. key is the configuration key without "limits.max_".
func checkLimit(found uint64, limit int, what, key string) error {
	if found <= uint64(limit) {
		return nil
	}
	return &LimitError{what, found, uint64(limit), "limits.max_" + key}
}

// checkFunctionLimit is like checkLimit, for a property of function f.
func checkFunctionLimit(f uint32, found uint64, limit int, what, key string) error {
	if found <= uint64(limit) {
		return nil
	}
	return checkLimit(found, limit, fmt.Sprintf("%s of function %d", what, f), key)
}
