// Package link adds code to a WebAssembly module: functions of its own, in the
// place of imports that nobody would provide, and imports that the module did
// not have. It is a linker for one known base module at a time, and refuses
// what it does not know of the format rather than to get it wrong.
//
// Adding an import moves the index of every function. So all code of the base
// is read, and the indexes in it are written anew.
package link
