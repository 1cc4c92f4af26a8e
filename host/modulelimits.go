package host

import "github.com/azuhost/azuhost/internal/wasm"

// ModuleLimits bound what a plugin's file may declare, before anything of it is
// compiled: a compiler believes the sizes that it reads. They start from the
// limits of the WebAssembly JavaScript API. Zero values are the defaults.
type ModuleLimits struct {
	// Types: function types. 0: 10,000.
	Types int
	// Params: parameters of one function type. 0: 1,000.
	Params int
	// Results: results of one function type. 0: 1,000.
	Results int
	// Imports: imports. 0: 1,000.
	Imports int
	// Exports: exports. 0: 10,000.
	Exports int
	// Globals: globals, without imported ones. 0: 10,000.
	Globals int
	// Functions: functions, without imported ones. 0: 100,000.
	Functions int
	// Body: size of one function's code. 0: 1 MiB.
	Body int
	// Locals: local variables of one function. 0: 50,000.
	Locals int
	// TotalLocals: local variables of all functions together. 0: 2,000,000.
	TotalLocals int
	// Nesting: depth of blocks in one function. 0: 1,000.
	Nesting int
	// Blocks: blocks of code of one function, which compile in their square. 0: 10,000.
	Blocks int
	// LoopWork: local variables of one function times the loops around, for each
	// loop. 0: 100,000.
	LoopWork int
	// LocalWork: local variables of one function that live on from block to block,
	// times its blocks. 0: 400,000.
	LocalWork int
	// Work: squares of the blocks of all functions together, and what their local
	// variables are as much as. 0: 400,000,000.
	Work int
	// Branches: labels of one br_table. 0: 65,520.
	Branches int
	// Operands: values that the calls, blocks and branches of one function move. 0: 1,000,000.
	Operands int
	// Tables: tables. 0: 16.
	Tables int
	// TableSize: elements that a table has, or may grow to. 0: 100,000.
	TableSize int
	// Data: data segments. 0: 100,000.
	Data int
	// Elements: element segments. 0: 10,000.
	Elements int
	// ElementValues: values of all element segments together. 0: 200,000.
	ElementValues int
	// Customs: custom sections. 0: 1,000.
	Customs int
	// CustomBytes: size of all custom sections together. 0: 16 MiB.
	CustomBytes int
	// Name: bytes of the name of an import, an export or a custom section. 0: 4 KiB.
	Name int
}

// scan is l as the scanner takes it.
func (l ModuleLimits) scan() wasm.Limits {
	return wasm.Limits{
		Types:         l.Types,
		Params:        l.Params,
		Results:       l.Results,
		Imports:       l.Imports,
		Exports:       l.Exports,
		Globals:       l.Globals,
		Functions:     l.Functions,
		Body:          l.Body,
		Locals:        l.Locals,
		TotalLocals:   l.TotalLocals,
		Nesting:       l.Nesting,
		Blocks:        l.Blocks,
		LoopWork:      l.LoopWork,
		LocalWork:     l.LocalWork,
		Work:          l.Work,
		Branches:      l.Branches,
		Operands:      l.Operands,
		Tables:        l.Tables,
		TableSize:     l.TableSize,
		Data:          l.Data,
		Elements:      l.Elements,
		ElementValues: l.ElementValues,
		Customs:       l.Customs,
		CustomBytes:   l.CustomBytes,
		Name:          l.Name,
	}
}

// counts are all limits, by name.
func (l ModuleLimits) counts() map[string]int {
	return map[string]int{
		"Module.Types":         l.Types,
		"Module.Params":        l.Params,
		"Module.Results":       l.Results,
		"Module.Imports":       l.Imports,
		"Module.Exports":       l.Exports,
		"Module.Globals":       l.Globals,
		"Module.Functions":     l.Functions,
		"Module.Body":          l.Body,
		"Module.Locals":        l.Locals,
		"Module.TotalLocals":   l.TotalLocals,
		"Module.Nesting":       l.Nesting,
		"Module.Blocks":        l.Blocks,
		"Module.LoopWork":      l.LoopWork,
		"Module.LocalWork":     l.LocalWork,
		"Module.Work":          l.Work,
		"Module.Branches":      l.Branches,
		"Module.Operands":      l.Operands,
		"Module.Tables":        l.Tables,
		"Module.TableSize":     l.TableSize,
		"Module.Data":          l.Data,
		"Module.Elements":      l.Elements,
		"Module.ElementValues": l.ElementValues,
		"Module.Customs":       l.Customs,
		"Module.CustomBytes":   l.CustomBytes,
		"Module.Name":          l.Name,
	}
}
