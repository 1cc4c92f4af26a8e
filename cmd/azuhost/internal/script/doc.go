// Package script builds plugins from JavaScript and TypeScript. bundle.go bundles the sources into one script,
// runtime.go gets QuickJS, probe.go runs the script once to learn which hooks it exports, and glue.go links both into
// one module with the ABI of azuhost.
//
// The glue is WebAssembly, which this package generates from the tables of host/abi. So no C compiler is needed, and
// scripts can call each new host function of the ABI.
//
// A value of QuickJS is an i64. Functions called qjs_… take and return boxes instead: addresses of values in the
// memory of QuickJS. The caller owns the boxes that they return, and frees them; the boxes that they take stay the
// caller's.
package script
