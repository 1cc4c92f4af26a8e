// Package raw has the host functions of the ABI. A string argument is an address and a length there. For wasip1 the
// functions are imports of the module. For other targets they call the Host of a test.
package raw
