package frame

// CanClose reports whether a channel or an operator may close a connection with a
// code. These are the codes that an endpoint may send (RFC 6455, section 7.4),
// without 1002, which the host sends for protocol errors.
func CanClose(code int) bool {
	switch code {
	case 1000, 1001, 1003:
		return true
	}
	return code >= 1007 && code <= 1013 || code >= 3000 && code <= 4999
}
