// Package wasm knows the WebAssembly binary format (version 2.0, with extended
// constant expressions and tail calls), and nothing else. Scan reads a module
// and refuses what could hurt the process that compiles it; Meter rewrites a
// module so that its code pays for what it runs.
//
// # Fuel
//
// Fuel counts operations, not time. An instruction costs 1; block, loop, else,
// end and nop cost nothing; calls 4, indirect ones 6; integer division, and
// division and roots of floats, 8; memory.grow, table.grow and ref.func 100.
// Bulk instructions cost 10 and go by size: one for each 16 bytes of
// memory.fill, memory.copy and memory.init, one for each element of the
// instructions on tables, 1,024 for each page of memory.grow. Growing beyond
// the maximum fails, and is not charged by size. What a host function does is
// the host's to charge (abi.CallFuel).
//
// The counter is a global that Meter adds. Code pays in advance, at the entry
// of a function, at the header of a loop for each iteration, and where a long
// stretch of code begins that is not always reached. A payment covers the code
// in front of it that runs at most once: to the end of the block it stands in,
// loops within excepted. Short branches, of up to 64 together, are paid for
// whether they are taken or not; so are up to 8 before a loop that begins a
// function, with each iteration. So fuel is an upper bound of what was run,
// close to it, and the same whenever the same module gets the same input; it
// does not depend on how the fuel is handed out.
//
// A memory.fill, memory.copy or memory.init of more than MeterOptions.BulkChunk
// is done in chunks, each paid for before it is done, by a function that Meter
// adds; one that is out of bounds traps before it writes, as the rules want it.
//
// Entries, loop headers and instructions that go by size look at the counter.
// If it is below zero they call an import that Meter adds, where the host
// yields, checks its deadline, and sets the counter through its export, or
// panics, which is a trap. The code between two looks is shorter than the body
// of a function, so the counter goes below zero by little. The code of the
// guest cannot name the counter, the import or any other part that is added:
// Scan checks every index against the module as it was.
//
// # Stack
//
// A second counter bounds the depth of calls, in estimated bytes. Functions
// that can be part of a recursion take from it when they begin and give back
// when they return; a tail call gives back first. Of each cycle in the graph of
// calls one function does so, and where the frames of others would add up to
// more than a kilobyte. When the counter goes below zero, the import is called
// with StackOverflow, and the guest traps. Frames are estimated from the locals
// and the length of the code; the compiler's are a fraction of that for most
// functions, and up to ten times as large for code made for it.
//
// # What changes
//
// One import, two globals, their exports, a few types and functions for large bulk
// instructions are added, behind the module's own: functions with a body get the
// next higher index. The name
// section keeps the module's and the functions' names, so that traps name
// functions, each cut at 256 bytes, and loses those of locals. Sections whose content holds offsets of
// code are left out: ".debug_…", "reloc.…", "linking", "sourceMappingURL",
// "external_debug_info" and "metadata.code.…". Other custom sections stay as
// they are.
package wasm
