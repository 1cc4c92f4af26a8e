// Package wasm reads and rewrites WebAssembly modules: version 2.0 of the binary format, with extended constant
// expressions and tail calls. Numbers such as 5.5.2 in comments are sections of the specification
// (https://www.w3.org/TR/wasm-core-2/).
//
//   - Scan reads a module, and refuses one that could harm the process that compiles it.
//   - Meter rewrites a module so that its code counts fuel and stack.
//   - The Append functions encode parts of a module, for linkers.
//
// # Fuel
//
// Fuel counts operations, not time. An instruction costs 1. block, loop, else, end and nop cost nothing, a call costs
// 4, an indirect call 6, an integer division or remainder and a float division or square root 8, memory.grow,
// table.grow and ref.func 100. Bulk instructions cost 10, and more by size: 1 for each 16 bytes of memory.fill,
// memory.copy and memory.init, 1 for each element of an instruction on tables, and 1,024 for each page of
// memory.grow. Growing beyond the maximum fails, and is not charged by size. The host charges for host functions
// (abi.CallFuel).
//
// The fuel counter is a global that Meter adds. Code is charged in advance: at the entry of a function, at the header
// of a loop for each iteration, and at the start of a long stretch of code that is not always reached. A charge
// covers the code behind it that runs at most once: to the end of the block that it is in, without the loops inside.
// Short branches, of at most 64 together, are charged whether they are taken or not; so is code of at most 8 before a
// loop at the start of a function, with each iteration. So the fuel is an upper bound of the operations that ran, and
// close to it. The same input of the same module always costs the same, however the host hands out the fuel.
//
// A memory.fill, memory.copy or memory.init of more than MeterOptions.BulkChunk bytes runs in chunks, in a function
// that Meter adds. Each chunk is charged before it runs. An instruction that is out of bounds traps before it writes,
// as the specification requires.
//
// Entries, loop headers and instructions that are charged by size check the counter. If it is below zero, they call
// an import that Meter adds, the callback. The callback yields, checks the deadline, and sets the counter through its
// export, or panics, which is a trap. The code between two checks is shorter than the body of a function, so the
// counter goes below zero by little. The code of the guest cannot name the counter, the callback or any other added
// part, because Scan has checked all indexes against the original module.
//
// # Stack
//
// The stack counter bounds the depth of calls, in estimated bytes. Functions that can be part of a recursion subtract
// their weight at entry and add it again on return; a tail call adds it first. In each cycle of the call graph one
// function does so, and each function below which the frames of others would add up to more than 1 KiB. When the
// counter goes below zero, the code calls the callback with StackOverflow, and traps. The weight is estimated from
// the locals and the length of the code. The compiler's frames are a fraction of that for most functions, and up to
// ten times as large for code made for it.
//
// # Changes to the module
//
// Meter adds one import, up to two globals, their exports, and a few types and functions for large bulk instructions.
// They come behind the module's own, except that the index of each function with a body grows by one. The name section
// keeps the names of the module and of functions, cut at 256 bytes, for stack traces; the names of locals are dropped.
// So are sections that contain offsets of code: ".debug_…", "reloc.…", "linking", "sourceMappingURL",
// "external_debug_info", "branchHints" and "metadata.code.…". Other custom sections stay as they are.
package wasm
