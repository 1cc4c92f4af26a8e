package azu

import "strconv"

// Errno is why the host refused a request. Compare with errors.Is, or with ==
// where the error comes from this package directly.
type Errno int32

// Error numbers.
const (
	// ErrInvalid: an argument is not allowed: a name that is empty, too long
	// or not clean UTF-8, text that is not UTF-8, an unknown kind or code.
	ErrInvalid Errno = -1
	// ErrNotFound: no such connection, parameter, key, value or timer.
	ErrNotFound Errno = -2
	// ErrPerm: the operator does not allow it on this route.
	ErrPerm Errno = -3
	// ErrLimit: a limit is reached: effects of a hook, bytes, values, timers.
	ErrLimit Errno = -4
	// ErrState: not now: headers and query outside OnConnect, for example.
	ErrState Errno = -5
	// ErrTimeout: the hook's deadline passed while the host waited.
	ErrTimeout Errno = -6
	// ErrUnavailable: a part of the host, such as the store, is out of order.
	ErrUnavailable Errno = -7
	// ErrFailed: the hook has failed.
	ErrFailed Errno = -8
)

// Error says it in words.
func (e Errno) Error() string {
	switch e {
	case ErrInvalid:
		return "azu: an argument is not allowed (INVALID)"
	case ErrNotFound:
		return "azu: there is no such thing (NOT_FOUND)"
	case ErrPerm:
		return "azu: not permitted on this route (PERM)"
	case ErrLimit:
		return "azu: a limit is reached (LIMIT)"
	case ErrState:
		return "azu: not possible in this hook (STATE)"
	case ErrTimeout:
		return "azu: the hook's deadline passed (TIMEOUT)"
	case ErrUnavailable:
		return "azu: out of order at the moment (UNAVAILABLE)"
	case ErrFailed:
		return "azu: the hook has failed (FAILED)"
	}
	return "azu: error " + strconv.Itoa(int(e))
}

// check makes an error of a negative result.
func check(n int32) error {
	if n < 0 {
		return Errno(n)
	}
	return nil
}
