package abi

import "strconv"

// Errno is the negative result of a host function that has failed. Channels
// written in Go get it as an error.
type Errno int32

// Error numbers. Results of 0 and above are no errors.
const (
	// Invalid: an argument is not allowed, such as a name that is empty, too long or
	// not clean UTF-8, text that is not UTF-8, or an unknown kind or code.
	Invalid Errno = -1
	// NotFound: there is no such connection, parameter, key, value, timer or token.
	NotFound Errno = -2
	// Perm: the route does not allow the function.
	Perm Errno = -3
	// Limit: a limit is reached, such as that of effects, bytes, values or timers.
	Limit Errno = -4
	// State: not possible in this hook, such as query outside of on_connect.
	State Errno = -5
	// Timeout: the deadline of the hook passed while the host waited.
	Timeout Errno = -6
	// Unavailable: a part of the host, such as the store, does not work now.
	Unavailable Errno = -7
	// Failed: the result of the host function fail, for a hook to return. Every
	// result of a hook but 0 undoes its effects.
	Failed Errno = -8
)

var errnoNames = map[Errno]string{
	Invalid: "INVALID", NotFound: "NOT_FOUND", Perm: "PERM", Limit: "LIMIT",
	State: "STATE", Timeout: "TIMEOUT", Unavailable: "UNAVAILABLE", Failed: "FAILED",
}

// Name returns the name of e in sdk/ABI.md.
func (e Errno) Name() string {
	if s, ok := errnoNames[e]; ok {
		return s
	}
	return "ERRNO_" + strconv.Itoa(int(e))
}

func (e Errno) Error() string { return e.Name() }
