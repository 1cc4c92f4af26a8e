package plugin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero/sys"
)

// FaultReason says why an instance was thrown away. It is a metric label.
type FaultReason string

// Reasons of faults.
const (
	Trap     FaultReason = "trap"     // unreachable, out of bounds, division by zero …
	TimedOut FaultReason = "deadline" // the hook's deadline passed
	Spent    FaultReason = "fuel"     // the hook's fuel is spent
	Exited   FaultReason = "exit"     // the guest ended itself (proc_exit)
	Panicked FaultReason = "panic"    // a host function panicked
	Stack    FaultReason = "stack"    // the guest's stack overflowed
	Start    FaultReason = "start"    // a new instance did not start
)

// Fault is an error after which the instance was thrown away.
type Fault struct {
	Hook   abi.Hook
	Reason FaultReason
	Err    error // from wazero, with the guest's stack
}

// maxFaultText is how much an error says of the cause of a fault, in bytes. A guest
// has its say in it: stacks have the names and the types of its functions.
const maxFaultText = 8 << 10

// Error has at most 8 KiB of the cause's text, and says where it is cut.
func (f *Fault) Error() string {
	text := f.Err.Error()
	if n := len(text); n > maxFaultText {
		text = fmt.Sprintf("%s … (%d bytes more)", strings.ToValidUTF8(text[:maxFaultText], ""), n-maxFaultText)
	}
	return fmt.Sprintf("%s: %s: %s", f.Hook, f.Reason, text)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// HookError is a hook that returned other than 0, or called fail. The instance goes on.
type HookError struct {
	Hook abi.Hook
	Code int32  // what the hook returned
	Text string // what it gave to fail, if it did
}

func (e *HookError) Error() string {
	if e.Text != "" {
		return fmt.Sprintf("%s failed with %d: %s", e.Hook, e.Code, e.Text)
	}
	return fmt.Sprintf("%s returned %d", e.Hook, e.Code)
}

// pointerError is the panic of a host function that got memory which the
// guest does not have.
type pointerError struct{ ptr, n, size uint32 }

func (e *pointerError) Error() string {
	return fmt.Sprintf("out of bounds: %d bytes at %d, in a memory of %d", int32(e.n), e.ptr, e.size)
}

// abortError is the panic of env.abort.
type abortError struct{ text string }

func (e *abortError) Error() string { return "abort: " + e.text }

// exitError is the panic of proc_exit. wazero has one, too, but prints no
// stack with it.
type exitError struct{ code uint32 }

func (e *exitError) Error() string { return fmt.Sprintf("exit with code %d", e.code) }

// errDeadline ends a host function in which the hook's deadline passed.
var errDeadline = errors.New("the deadline passed")

// reasonOf finds out what kind of error came from wazero. Its own errors are
// internal types without sentinels, so the text has to do: "wasm error: "
// stands before every trap, and a stack overflow is no panic and has no stack.
func reasonOf(err error) FaultReason {
	var (
		pointer *pointerError
		abort   *abortError
		exit    *exitError
		closed  *sys.ExitError
	)
	switch {
	case errors.Is(err, errDeadline):
		return TimedOut
	case errors.Is(err, errFuel):
		return Spent
	case errors.Is(err, errStack):
		return Stack
	case errors.As(err, &pointer), errors.As(err, &abort):
		return Trap
	case errors.As(err, &exit):
		return Exited
	case errors.As(err, &closed):
		if closed.ExitCode() == sys.ExitCodeDeadlineExceeded {
			return TimedOut
		}
		return Exited
	}
	switch cause := rootOf(err); {
	case cause.Error() == "stack overflow":
		return Stack
	case strings.HasPrefix(err.Error(), "wasm error: "),
		strings.Contains(err.Error(), ": wasm error: "): // of a start function
		return Trap
	}
	return Panicked
}

func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
