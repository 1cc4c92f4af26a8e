package azu

import "strconv"

// refusal is the error of OnConnect for a connection, or of OnPublish for a message, that it refuses: an HTTP status or
// a close code.
type refusal int32

func (r refusal) Error() string {
	if r >= 3000 {
		return "azu: closed with code " + strconv.Itoa(int(r))
	}
	return "azu: refused with status " + strconv.Itoa(int(r))
}

// Refuse returns an error for OnConnect and OnPublish: the host refuses the handshake, or the publication, with this
// HTTP status. The status is 400 to 599; Refuse panics for others. Scripts in browsers do not get the status of a
// handshake, but the code of [RefuseClose].
func Refuse(status int) error {
	if status < 400 || status > 599 {
		panic("azu: Refuse takes a status from 400 to 599, not " + strconv.Itoa(status))
	}
	return refusal(status)
}

// RefuseClose returns an error for OnConnect: the host upgrades the connection, sends the messages that the hook has
// sent to it, and closes it with this code. The hook has no other effects, and OnClose is not called. The code is 3000
// to 4999; RefuseClose panics for others.
func RefuseClose(code int) error {
	if code < 3000 || code > 4999 {
		panic("azu: RefuseClose takes a code from 3000 to 4999, not " + strconv.Itoa(code))
	}
	return refusal(code)
}

// asRefusal returns the refusal in err or in the errors that it wraps. It does not use errors.As, which needs
// reflection.
func asRefusal(err error) (refusal, bool) {
	for err != nil {
		switch e := err.(type) {
		case refusal:
			return e, true
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				if r, ok := asRefusal(err); ok {
					return r, true
				}
			}
			return 0, false
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return 0, false
		}
	}
	return 0, false
}
