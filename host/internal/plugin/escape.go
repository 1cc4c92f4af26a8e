package plugin

import (
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"
)

// escape returns text of a guest in a form that is safe for a log and a terminal: characters that are not printable,
// and bytes that are not UTF-8, become \xNN, \uNNNN or \UNNNNNNNN.
func escape(text []byte) string { return escapeUpTo(text, math.MaxInt) }

// escapeUpTo is escape for a result of at most limit bytes. A result that is cut ends in an ellipsis.
func escapeUpTo(text []byte, limit int) string {
	const ellipsis = "…"
	out := make([]byte, 0, min(len(text), limit))
	cut := 0 // the longest prefix of out that has room for an ellipsis
	for len(text) > 0 {
		n := 0
		if out, n = appendEscaped(out, text); len(out) > limit {
			return string(out[:cut]) + ellipsis
		}
		if len(out) <= limit-len(ellipsis) {
			cut = len(out)
		}
		text = text[n:]
	}
	return string(out)
}

// appendEscaped appends the first rune of text, and returns its length in text.
func appendEscaped(out, text []byte) (_ []byte, n int) {
	r, n := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Appendf(out, `\x%02x`, text[0]), n
	case r < 0x20 && r != '\t', r == 0x7f:
		return fmt.Appendf(out, `\x%02x`, r), n
	case r > 0xffff && !unicode.IsPrint(r):
		return fmt.Appendf(out, `\U%08x`, r), n
	case r >= 0x80 && !unicode.IsPrint(r):
		return fmt.Appendf(out, `\u%04x`, r), n
	}
	return utf8.AppendRune(out, r), n
}
