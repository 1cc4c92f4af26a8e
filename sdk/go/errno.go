package azu

import "strconv"

// Errno is an error of the host. Compare it with errors.Is, or with == if the error comes directly from this package.
type Errno int32

// Error numbers.
const (
	// ErrInvalid: an argument is not allowed, such as a name that is empty, too long or has control characters, a text
	// that is not UTF-8, or an unknown kind or code.
	ErrInvalid Errno = -1
	// ErrNotFound: there is no such connection, parameter, key, value or timer.
	ErrNotFound Errno = -2
	// ErrPerm: the operator does not allow the function on this route.
	ErrPerm Errno = -3
	// ErrLimit: a limit is reached, such as that of effects of a hook, of bytes, of values or of timers.
	ErrLimit Errno = -4
	// ErrState: the function is not possible in this hook, such as Header outside OnConnect.
	ErrState Errno = -5
	// ErrTimeout: the hook's deadline passed while the host waited.
	ErrTimeout Errno = -6
	// ErrUnavailable: a part of the host, such as the store, does not work at the moment.
	ErrUnavailable Errno = -7
	// ErrFailed: the hook has failed.
	ErrFailed Errno = -8
)

// Error returns a text with the name of the error in parentheses.
func (e Errno) Error() string {
	switch e {
	case ErrInvalid:
		return "azu: an argument is not allowed (INVALID)"
	case ErrNotFound:
		return "azu: no such connection, parameter, key, value, timer or token (NOT_FOUND)"
	case ErrPerm:
		return "azu: the route does not allow this function: add its capability to allow (PERM)"
	case ErrLimit:
		return "azu: a limit is reached (LIMIT)"
	case ErrState:
		return "azu: not possible in this hook (STATE)"
	case ErrTimeout:
		return "azu: the deadline of the hook passed (TIMEOUT)"
	case ErrUnavailable:
		return "azu: a part of the host, such as the store, does not work now (UNAVAILABLE)"
	case ErrFailed:
		return "azu: the hook has failed (FAILED)"
	}
	return "azu: error " + strconv.Itoa(int(e))
}

// check returns the error of a host function whose result is negative.
func check(n int32) error {
	if n < 0 {
		return Errno(n)
	}
	return nil
}
