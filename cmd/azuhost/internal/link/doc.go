// Package link adds code to a WebAssembly module, the base: functions, globals, data, and imports. An added function
// can replace an import of the base. The result has the exports that are asked for, and the memory of the base.
//
// Added imports move the indexes of all functions, so Link copies the code of the base with mapped indexes. It is a
// linker for known modules: it refuses a base with a start function, with imports other than functions, or with tables
// other than one of functions.
package link
