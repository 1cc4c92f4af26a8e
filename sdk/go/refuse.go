package azu

import "strconv"

// refusal is the answer of OnConnect for a connection that is not accepted, and
// of OnPublish for a message.
type refusal int32

func (r refusal) Error() string {
	if r >= 3000 {
		return "azu: closed with code " + strconv.Itoa(int(r))
	}
	return "azu: refused with status " + strconv.Itoa(int(r))
}

// Refuse is an error for OnConnect: the handshake is refused with this HTTP
// status, 400 to 599, and for OnPublish: so is the publication. It panics for others. Browsers do not tell their script
// the status; [RefuseClose] reaches it.
func Refuse(status int) error {
	if status < 400 || status > 599 {
		panic("azu: Refuse takes a status from 400 to 599, not " + strconv.Itoa(status))
	}
	return refusal(status)
}

// RefuseClose is an error for OnConnect: the connection is upgraded, gets what
// the hook sent to it, and is closed with this code, 3000 to 4999. It panics
// for others. Nothing else that the hook asked for happens, and OnClose is not
// called.
func RefuseClose(code int) error {
	if code < 3000 || code > 4999 {
		panic("azu: RefuseClose takes a code from 3000 to 4999, not " + strconv.Itoa(code))
	}
	return refusal(code)
}

// asRefusal finds a refusal in err or in what it wraps.
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
