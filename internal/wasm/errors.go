package wasm

import "fmt"

// LimitError is the error of a module that exceeds a limit.
type LimitError struct {
	What  string // "locals of function 7"
	Found uint64
	Limit uint64
	Key   string // of the configuration: "limits.max_locals"
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %d, the limit is %d: raise %s, or build a smaller module", e.What, e.Found, e.Limit, e.Key)
}

// FeatureError is the error of a module that uses an unsupported feature.
type FeatureError struct {
	Feature string // "threads"
	What    string // the use: "opcode 0xfe"
	Offset  int    // in the file
}

func (e *FeatureError) Error() string {
	return fmt.Sprintf("%s (at byte %d) is of %s, which is not supported: build without it", e.What, e.Offset, e.Feature)
}

// SyntaxError is the error of a file that is not a well-formed module, or of a module with an index out of range.
type SyntaxError struct {
	Offset int // in the file
	Text   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not a valid WebAssembly module: byte %d: %s", e.Offset, e.Text)
}
