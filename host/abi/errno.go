package abi

import "strconv"

// Errno is the negative result of a host function that was refused. It is an
// error, so that channels written in Go get the same numbers as guests.
type Errno int32

// Error numbers. 0 and above are results.
const (
	// Invalid: an argument is not allowed: a name that is empty, too long or
	// not clean UTF-8, text that is not UTF-8, an unknown kind or code.
	Invalid Errno = -1
	// NotFound: no such connection, parameter, key, value, timer or token.
	NotFound Errno = -2
	// Perm: the operator does not allow it on this route.
	Perm Errno = -3
	// Limit: a limit is reached: effects of a hook, bytes, values, timers.
	Limit Errno = -4
	// State: not now: headers and query outside on_connect, for example.
	State Errno = -5
	// Timeout: the hook's deadline passed while the host waited.
	Timeout Errno = -6
	// Unavailable: a part of the host, such as the store, is out of order.
	Unavailable Errno = -7
	// Failed: what the host function fail returns, so that a hook can
	// return it. Every result of a hook but 0 undoes its effects.
	Failed Errno = -8
)

var errnoNames = map[Errno]string{
	Invalid: "INVALID", NotFound: "NOT_FOUND", Perm: "PERM", Limit: "LIMIT",
	State: "STATE", Timeout: "TIMEOUT", Unavailable: "UNAVAILABLE", Failed: "FAILED",
}

// Name is the name of e as sdk/ABI.md has it.
func (e Errno) Name() string {
	if s, ok := errnoNames[e]; ok {
		return s
	}
	return "ERRNO_" + strconv.Itoa(int(e))
}

func (e Errno) Error() string { return e.Name() }
