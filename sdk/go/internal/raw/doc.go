// Package raw is the host functions of the ABI as they are: numbers and
// strings, which cross the border as address and length. For wasip1 they are
// imports of the module; elsewhere a Host that a test provides answers.
package raw
