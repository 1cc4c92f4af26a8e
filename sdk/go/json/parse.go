// Package json reads and writes small JSON messages without reflection, which makes encoding/json slow and large in
// WebAssembly. Parse validates a whole document (RFC 8259); the methods of Value then find members in place.
package json

import (
	"errors"
	"unicode/utf8"
)

// MaxDepth limits the nesting of arrays and objects.
const MaxDepth = 100

// ErrInvalid is the error for a document that is not JSON, is not UTF-8, or exceeds MaxDepth.
var ErrInvalid = errors.New("json: not a valid document")

// Parse validates a document and returns its value, which refers to data.
func Parse(data []byte) (Value, error) {
	if !utf8.Valid(data) {
		return Value{}, ErrInvalid
	}
	from := skipSpace(data, 0)
	to := scanValue(data, from, 0)
	if to == bad || skipSpace(data, to) != len(data) {
		return Value{}, ErrInvalid
	}
	return Value{data[from:to]}, nil
}

// The functions below take a document and the index of a token, and return the index after the token. They are few and
// have plain loops, because calls are expensive in a Go program compiled to WebAssembly.

// bad is returned in place of an index if the token is not JSON.
const bad = -1

// skipSpace skips white space.
func skipSpace(d []byte, i int) int {
	for i < len(d) && (d[i] == ' ' || d[i] == '\n' || d[i] == '\t' || d[i] == '\r') {
		i++
	}
	return i
}

// scanValue validates a value.
func scanValue(d []byte, i, depth int) int {
	if i >= len(d) || depth > MaxDepth {
		return bad
	}
	switch d[i] {
	case '"':
		return scanString(d, i)
	case '{':
		return scanList(d, i+1, depth, '}')
	case '[':
		return scanList(d, i+1, depth, ']')
	case 't':
		return scanWord(d, i, "true")
	case 'f':
		return scanWord(d, i, "false")
	case 'n':
		return scanWord(d, i, "null")
	}
	return scanNumber(d, i)
}

// scanList validates an array or an object after its opening bracket.
func scanList(d []byte, i, depth int, end byte) int {
	if i = skipSpace(d, i); i < len(d) && d[i] == end {
		return i + 1
	}
	for {
		if end == '}' {
			if i = scanString(d, i); i == bad {
				return bad
			}
			if i = skipSpace(d, i); i == len(d) || d[i] != ':' {
				return bad
			}
			i = skipSpace(d, i+1)
		}
		if i = scanValue(d, i, depth+1); i == bad {
			return bad
		}
		if i = skipSpace(d, i); i == len(d) {
			return bad
		}
		if d[i] == end {
			return i + 1
		}
		if d[i] != ',' {
			return bad
		}
		i = skipSpace(d, i+1)
	}
}

// scanWord validates a literal.
func scanWord(d []byte, i int, word string) int {
	if len(d)-i < len(word) || string(d[i:i+len(word)]) != word {
		return bad
	}
	return i + len(word)
}

// scanString validates a string.
func scanString(d []byte, i int) int {
	if i >= len(d) || d[i] != '"' {
		return bad
	}
	for i++; i < len(d); i++ {
		switch c := d[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return bad
		case c == '\\':
			if i = scanEscape(d, i+1); i == bad {
				return bad
			}
		}
	}
	return bad
}

// scanEscape validates an escape after its backslash, and returns the index of the last byte of the escape.
func scanEscape(d []byte, i int) int {
	if i >= len(d) {
		return bad
	}
	switch d[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		for n := 1; n <= 4; n++ {
			if i+n >= len(d) || !isHex(d[i+n]) {
				return bad
			}
		}
		return i + 4
	}
	return bad
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// scanNumber validates a number.
func scanNumber(d []byte, i int) int {
	if i < len(d) && d[i] == '-' {
		i++
	}
	if i < len(d) && d[i] == '0' {
		i++
	} else if i = scanDigits(d, i); i == bad {
		return bad
	}
	if i < len(d) && d[i] == '.' {
		if i = scanDigits(d, i+1); i == bad {
			return bad
		}
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		if i++; i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		return scanDigits(d, i)
	}
	return i
}

// scanDigits validates one or more digits.
func scanDigits(d []byte, i int) int {
	from := i
	for i < len(d) && isDigit(d[i]) {
		i++
	}
	if i == from {
		return bad
	}
	return i
}

// skipValue skips a value in a validated document.
func skipValue(d []byte, i int) int {
	switch d[i] {
	case '"':
		return skipString(d, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch d[i] {
			case '"':
				i = skipString(d, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(d) && d[i] > ' ' && d[i] != ',' && d[i] != ']' && d[i] != '}' {
		i++
	}
	return i
}

// skipString skips a string in a validated document.
func skipString(d []byte, i int) int {
	for i++; d[i] != '"'; i++ {
		if d[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipComma skips white space, and a comma if there is one, in a validated document.
func skipComma(d []byte, i int) int {
	if i = skipSpace(d, i); d[i] == ',' {
		return skipSpace(d, i+1)
	}
	return i
}
