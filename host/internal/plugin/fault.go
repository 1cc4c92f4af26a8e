package plugin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero/sys"
)

// FaultReason is the kind of a Fault. It is a metric label.
type FaultReason string

// Reasons of faults.
const (
	Trap          FaultReason = "trap"     // the guest trapped: unreachable, out of bounds, division by zero …
	TimedOut      FaultReason = "deadline" // the hook's deadline passed
	OutOfFuel     FaultReason = "fuel"     // the hook spent its fuel
	Exited        FaultReason = "exit"     // the guest ended itself with proc_exit
	Panicked      FaultReason = "panic"    // a host function panicked
	StackOverflow FaultReason = "stack"    // the guest's stack overflowed
	StartFailed   FaultReason = "start"    // a new instance did not start
)

// FaultReasons lists all reasons.
var FaultReasons = []FaultReason{Trap, TimedOut, OutOfFuel, Exited, Panicked, StackOverflow, StartFailed}

// Fault is an error after which the instance is closed.
type Fault struct {
	Hook   abi.Hook
	Reason FaultReason
	Err    error // from wazero, with the guest's stack trace
}

// maxFaultText limits the text of a fault's cause, in bytes. The guest chooses a part of the text: stack traces have
// the names and types of its functions.
const maxFaultText = 8 << 10

// Error returns the hook, the reason and the text of the cause. It cuts the text of the cause at 8 KiB, and appends the
// number of bytes that are left out.
func (f *Fault) Error() string {
	text := f.Err.Error()
	if n := len(text); n > maxFaultText {
		text = fmt.Sprintf("%s … (%d bytes more)", strings.ToValidUTF8(text[:maxFaultText], ""), n-maxFaultText)
	}
	return fmt.Sprintf("%s: %s: %s", f.Hook, f.Reason, text)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// HookError is the error of a hook that returned a number other than 0, or called fail. The instance stays in use.
type HookError struct {
	Hook abi.Hook
	Code int32  // result of the hook
	Text string // argument of fail, escaped for a log; empty if the hook did not call fail
}

func (e *HookError) Error() string {
	if e.Text != "" {
		return fmt.Sprintf("%s failed with %d: %s", e.Hook, e.Code, e.Text)
	}
	return fmt.Sprintf("%s returned %d", e.Hook, e.Code)
}

// pointerError is the panic value of a host function whose argument points outside of the guest's memory.
type pointerError struct{ ptr, n, size uint32 }

func (e *pointerError) Error() string {
	return fmt.Sprintf("out of bounds: %d bytes at %d, in a memory of %d", int32(e.n), e.ptr, e.size)
}

// abortError is the panic value of env.abort.
type abortError struct{ text string }

func (e *abortError) Error() string { return "abort: " + e.text }

// exitError is the panic value of proc_exit. wazero adds the guest's stack trace to it, and none to its own
// sys.ExitError.
type exitError struct{ code uint32 }

func (e *exitError) Error() string { return fmt.Sprintf("exit with code %d", e.code) }

// errDeadline is the panic value of a host function in which the hook's deadline passes, and the error of a hook that
// returns after its deadline.
var errDeadline = errors.New("the deadline passed")

// reasonOf returns the reason for an error from wazero. wazero's own errors are of internal types, so reasonOf reads
// their texts: every trap has "wasm error: " before it, and a stack overflow is an error of that text alone.
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
		return OutOfFuel
	case errors.Is(err, errStack):
		return StackOverflow
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
	switch cause := rootCause(err); {
	case cause.Error() == "stack overflow":
		return StackOverflow
	case strings.HasPrefix(err.Error(), "wasm error: "),
		strings.Contains(err.Error(), ": wasm error: "): // in a start function
		return Trap
	}
	return Panicked
}

func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
