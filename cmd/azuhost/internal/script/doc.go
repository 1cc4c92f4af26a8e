// Package script makes plugins of JavaScript and TypeScript: bundle.go gathers
// the sources into one script, runtime.go has QuickJS, probe.go runs the script
// once to learn what it exports, and glue.go links both into one module that
// speaks the ABI of azuhost.
//
// The glue is WebAssembly that is written here, function by function, from the
// tables of host/abi: nobody needs a C compiler, and a host function that is
// added there is there for scripts. Values of QuickJS are boxes in its memory:
// what qjs_… functions return is owned and must be freed, what they take is
// borrowed.
package script
