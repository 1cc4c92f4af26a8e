package host

import (
	"unicode"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
)

// validName says whether b can name a room, user, parameter, key, timer or
// metric: valid UTF-8 of 1 to 255 bytes without control characters, so that
// lists of names can be joined by newlines and written to logs.
func validName[T ~[]byte | ~string](b T) bool {
	if len(b) == 0 || len(b) > abi.MaxName {
		return false
	}
	for i := 0; i < len(b); i++ {
		if c := b[i]; c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			return validNameSlow(string(b))
		}
	}
	return true
}

func validNameSlow(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// validCloseCode says whether a plugin or an operator may close with code:
// those that an endpoint may send (RFC 6455, section 7.4) but the one for
// errors of the protocol, which are ours to find.
func validCloseCode(code int) bool {
	switch code {
	case 1000, 1001, 1003:
		return true
	}
	return code >= 1007 && code <= 1013 || code >= 3000 && code <= 4999
}
