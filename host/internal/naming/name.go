// Package naming defines which names rooms, users, nodes and metrics may have.
package naming

import (
	"unicode"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
)

// Valid reports whether b can name a room, user, parameter, key, timer or metric:
// 1 to [abi.MaxName] bytes of UTF-8 without control characters and line separators.
// Lists of such names can be joined by newlines and written to logs.
func Valid[T ~[]byte | ~string](b T) bool {
	if len(b) == 0 || len(b) > abi.MaxName {
		return false
	}
	for i := 0; i < len(b); i++ {
		if c := b[i]; c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			return validUnicode(string(b))
		}
	}
	return true
}

// validUnicode is Valid for a name that is not printable ASCII.
func validUnicode(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// maxMetric is the length of the longest name of a metric or label, in bytes.
const maxMetric = 100

// ValidMetric reports whether s can name a metric or a label: letters, digits and
// underscores, no digit first.
func ValidMetric(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxMetric
}
