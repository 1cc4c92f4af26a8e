// Package urlquery parses the query of a URL as browsers do: by the
// application/x-www-form-urlencoded parser of the URL standard (WHATWG, section
// 5.1). Unlike net/url it accepts every query.
package urlquery

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// All yields the names and values of a query in their order. An escape that is not
// one, such as % at the end, stays as it is. Bytes that are not UTF-8 become U+FFFD.
func All(query string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for part := range strings.SplitSeq(query, "&") {
			if part != "" && !yield(Split(part)) {
				return
			}
		}
	}
}

// Get returns the first value of a name. ok is false if the query does not have it.
func Get(query, name string) (value string, ok bool) {
	for n, v := range All(query) {
		if n == name {
			return v, true
		}
	}
	return "", false
}

// Split decodes a part of a query, which stands between two &.
func Split(part string) (name, value string) {
	name, value, _ = strings.Cut(part, "=")
	return decode(name), decode(value)
}

func decode(s string) string {
	if strings.ContainsAny(s, "+%") {
		s = unescape(s)
	}
	if utf8.ValidString(s) {
		return s
	}
	return replaceInvalid(s)
}

// unescape decodes + as a space, and percent-encoded bytes.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, hex(s[i+1])<<4|hex(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func hex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// replaceInvalid replaces each maximal part of an ill-formed sequence by U+FFFD, as
// the UTF-8 decoder of the Encoding standard does (WHATWG, section 8.1.1).
func replaceInvalid(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			for n < min(len(s), utf8.UTFMax) && !utf8.FullRuneInString(s[:n+1]) {
				n++
			}
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}
