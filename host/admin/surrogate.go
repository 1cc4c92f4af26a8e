package admin

import "strconv"

// loneSurrogate returns the first escape of half a surrogate pair, such as \ud800, that is not followed by the escape
// of its other half (RFC 8259, section 8.2). b is valid JSON. "": there is none.
func loneSurrogate(b []byte) string {
	const length = len(`\ud800`)
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		switch unit := surrogate(b[i:]); {
		case unit == 0:
			i++ // skip the escaped character, which may be a backslash
		case unit < 0xdc00 && surrogate(b[i+length:]) >= 0xdc00:
			i += 2*length - 1
		default:
			return string(b[i : i+length])
		}
	}
	return ""
}

// surrogate returns the half of a surrogate pair whose escape is at the start of b. 0: there is none.
func surrogate(b []byte) uint64 {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	if unit, err := strconv.ParseUint(string(b[2:6]), 16, 16); err == nil && unit >= 0xd800 && unit < 0xe000 {
		return unit
	}
	return 0
}
