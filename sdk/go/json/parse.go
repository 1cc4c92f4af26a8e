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
	s := scanner{data: data}
	s.space()
	from := s.pos
	if !s.value(0) {
		return Value{}, ErrInvalid
	}
	to := s.pos
	if s.space(); s.pos != len(data) {
		return Value{}, ErrInvalid
	}
	return Value{data[from:to]}, nil
}

// scanner walks through a document.
type scanner struct {
	data []byte
	pos  int
}

// peek is the byte at pos, 0 at the end: no token begins with that.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// eat takes one byte, if it is there.
func (s *scanner) eat(c byte) bool {
	if s.peek() != c || s.pos == len(s.data) {
		return false
	}
	s.pos++
	return true
}

// value takes a value in a document that is not checked yet.
func (s *scanner) value(depth int) bool {
	if depth > MaxDepth {
		return false
	}
	switch s.peek() {
	case '{':
		return s.list('}', depth, true)
	case '[':
		return s.list(']', depth, false)
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// list takes an object or an array.
func (s *scanner) list(end byte, depth int, named bool) bool {
	s.pos++
	if s.space(); s.eat(end) {
		return true
	}
	for {
		if named {
			if !s.str() {
				return false
			}
			if s.space(); !s.eat(':') {
				return false
			}
			s.space()
		}
		if !s.value(depth + 1) {
			return false
		}
		if s.space(); s.eat(end) {
			return true
		}
		if !s.eat(',') {
			return false
		}
		s.space()
	}
}

func (s *scanner) word(w string) bool {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *scanner) str() bool {
	if !s.eat('"') {
		return false
	}
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			return true
		case c < ' ':
			return false
		case c == '\\':
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape takes what follows a backslash.
func (s *scanner) escape() bool {
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			c := s.peek()
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
			s.pos++
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	s.eat('-')
	if !s.eat('0') && !s.digits() {
		return false
	}
	if s.eat('.') && !s.digits() {
		return false
	}
	if s.eat('e') || s.eat('E') {
		if !s.eat('+') {
			s.eat('-')
		}
		return s.digits()
	}
	return true
}

// digits takes one or more.
func (s *scanner) digits() bool {
	from := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > from
}

// next takes a value in a document that was checked, and gives its bytes.
func (s *scanner) next() []byte {
	from := s.pos
	switch s.data[s.pos] {
	case '"':
		s.skipString()
	case '{', '[':
		s.skipList()
	default:
		for s.pos < len(s.data) && !ends(s.data[s.pos]) {
			s.pos++
		}
	}
	return s.data[from:s.pos]
}

// ends says whether c cannot belong to a number or a word.
func ends(c byte) bool {
	return c == ',' || c == ']' || c == '}' || c == ' ' || c == '\n' || c == '\r' || c == '\t'
}

func (s *scanner) skipString() {
	for s.pos++; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
}

func (s *scanner) skipList() {
	for depth := 0; ; {
		switch s.data[s.pos] {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// comma takes a comma, if there is one, in a document that was checked.
func (s *scanner) comma() {
	s.space()
	s.eat(',')
}
