// Package json reads and writes small JSON messages without reflection, which
// in WebAssembly is what makes encoding/json slow and large. Reading checks the
// whole document first (RFC 8259) and then looks members up in place.
package json

import (
	"errors"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may be nested in each other.
const MaxDepth = 100

// ErrInvalid is a document that is not JSON, not UTF-8, or nested too deep.
var ErrInvalid = errors.New("json: not a valid document")

// Parse checks a document and gives its value.
func Parse(data []byte) (Value, error) {
	if !utf8.Valid(data) {
		return Value{}, ErrInvalid
	}
	from := space(data, 0)
	to := check(data, from, 0)
	if to == bad || space(data, to) != len(data) {
		return Value{}, ErrInvalid
	}
	return Value{data[from:to]}, nil
}

// The functions below take a document and an index, and give the index after
// what they look for. They are few and have plain loops, because a call costs
// much in a Go program compiled to WebAssembly.

// bad is the index after something that is not JSON.
const bad = -1

// space skips white space.
func space(d []byte, i int) int {
	for i < len(d) && (d[i] == ' ' || d[i] == '\n' || d[i] == '\t' || d[i] == '\r') {
		i++
	}
	return i
}

// check takes a value.
func check(d []byte, i, depth int) int {
	if i >= len(d) || depth > MaxDepth {
		return bad
	}
	switch d[i] {
	case '"':
		return checkString(d, i)
	case '{':
		return checkList(d, i+1, depth, '}')
	case '[':
		return checkList(d, i+1, depth, ']')
	case 't':
		return checkWord(d, i, "true")
	case 'f':
		return checkWord(d, i, "false")
	case 'n':
		return checkWord(d, i, "null")
	}
	return checkNumber(d, i)
}

// checkList takes what follows the bracket of an array or an object.
func checkList(d []byte, i, depth int, end byte) int {
	if i = space(d, i); i < len(d) && d[i] == end {
		return i + 1
	}
	for {
		if end == '}' {
			if i = checkString(d, i); i == bad {
				return bad
			}
			if i = space(d, i); i == len(d) || d[i] != ':' {
				return bad
			}
			i = space(d, i+1)
		}
		if i = check(d, i, depth+1); i == bad {
			return bad
		}
		if i = space(d, i); i == len(d) {
			return bad
		}
		if d[i] == end {
			return i + 1
		}
		if d[i] != ',' {
			return bad
		}
		i = space(d, i+1)
	}
}

func checkWord(d []byte, i int, word string) int {
	if len(d)-i < len(word) || string(d[i:i+len(word)]) != word {
		return bad
	}
	return i + len(word)
}

func checkString(d []byte, i int) int {
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
			if i = checkEscape(d, i+1); i == bad {
				return bad
			}
		}
	}
	return bad
}

// checkEscape takes what follows a backslash, and gives the index of its last
// byte.
func checkEscape(d []byte, i int) int {
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

func checkNumber(d []byte, i int) int {
	if i < len(d) && d[i] == '-' {
		i++
	}
	if i < len(d) && d[i] == '0' {
		i++
	} else if i = checkDigits(d, i); i == bad {
		return bad
	}
	if i < len(d) && d[i] == '.' {
		if i = checkDigits(d, i+1); i == bad {
			return bad
		}
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		if i++; i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		return checkDigits(d, i)
	}
	return i
}

// checkDigits takes one or more.
func checkDigits(d []byte, i int) int {
	from := i
	for i < len(d) && isDigit(d[i]) {
		i++
	}
	if i == from {
		return bad
	}
	return i
}

// skip takes a value in a document that was checked.
func skip(d []byte, i int) int {
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

func skipString(d []byte, i int) int {
	for i++; d[i] != '"'; i++ {
		if d[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// after takes a comma and the white space around it, if there is one, in a
// document that was checked.
func after(d []byte, i int) int {
	if i = space(d, i); d[i] == ',' {
		return space(d, i+1)
	}
	return i
}
