package json

import (
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is the type of a value.
type Kind uint8

// Kinds of values. None is the kind of a Value that does not exist.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Obj
)

// Value is a value in a document that [Parse] has accepted. It refers to the bytes of the document, and is valid while
// they do not change. The zero Value does not exist, and none of its members and items exist, so that calls of Get can
// be chained.
type Value struct{ raw []byte }

// Kind returns the type of the value.
func (v Value) Kind() Kind {
	if len(v.raw) == 0 {
		return None
	}
	switch v.raw[0] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Obj
	}
	return Number
}

// Exists returns whether the value exists.
func (v Value) Exists() bool { return len(v.raw) > 0 }

// Raw returns the bytes of the value in the document.
func (v Value) Raw() []byte { return v.raw }

// Get returns a member of an object. If several have the same name, it returns the last one.
func (v Value) Get(name string) Value {
	var found Value
	if v.Kind() != Obj {
		return found
	}
	d := v.raw
	for i := skipSpace(d, 1); d[i] != '}'; {
		key, value, next := member(d, i)
		if string(key) == name || len(key) > len(name) && decodesTo(key, name) {
			found = value
		}
		i = next
	}
	return found
}

// member returns the member of an object at index i: its name as it is in the document, without the quotes, its value,
// and the index of the next member.
func member(d []byte, i int) (key []byte, value Value, next int) {
	end := skipString(d, i)
	from := skipSpace(d, skipSpace(d, end)+1) // over the colon
	to := skipValue(d, from)
	return d[i+1 : end-1], Value{d[from:to]}, skipComma(d, to)
}

// Members yields the members of an object, in the order of the document.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Obj {
			return
		}
		d := v.raw
		for i := skipSpace(d, 1); d[i] != '}'; {
			key, value, next := member(d, i)
			if !yield(string(unescape(nil, key)), value) {
				return
			}
			i = next
		}
	}
}

// Items yields the items of an array.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != Array {
			return
		}
		d := v.raw
		for i := skipSpace(d, 1); d[i] != ']'; {
			to := skipValue(d, i)
			if !yield(Value{d[i:to]}) {
				return
			}
			i = skipComma(d, to)
		}
	}
}

// Str returns the decoded text of a string, and an empty string for all other values.
func (v Value) Str() string {
	if v.Kind() != String {
		return ""
	}
	text := v.raw[1 : len(v.raw)-1]
	for _, c := range text {
		if c == '\\' {
			return string(unescape(make([]byte, 0, len(text)), text))
		}
	}
	return string(text)
}

// Is returns whether the value is a string with this text. Unlike Str, it does not allocate a string.
func (v Value) Is(text string) bool {
	if v.Kind() != String {
		return false
	}
	raw := v.raw[1 : len(v.raw)-1]
	return string(raw) == text || len(raw) > len(text) && decodesTo(raw, text)
}

// Int returns the value of an integer that an int64 can hold. ok is false for all other values, including 1.0 and 1e3.
func (v Value) Int() (n int64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	return n, err == nil
}

// Float returns the value of a number. ok is false for all other values, and for numbers that a float64 cannot hold.
func (v Value) Float() (f float64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

// True returns whether the value is true.
func (v Value) True() bool { return len(v.raw) > 0 && v.raw[0] == 't' }

// decodesTo returns whether a string of the document, without its quotes, has escapes and decodes to text.
func decodesTo(raw []byte, text string) bool {
	for _, c := range raw {
		if c == '\\' {
			return string(unescape(nil, raw)) == text
		}
	}
	return false
}

// unescape appends the decoded text of a string, which has no quotes. A surrogate without its other half becomes
// U+FFFD.
func unescape(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if text[i+1] != 'u' {
			dst = append(dst, escapedChar(text[i+1]))
			i += 2
			continue
		}
		r := hexUnit(text[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if i+6 <= len(text) && text[i] == '\\' && text[i+1] == 'u' {
				low = hexUnit(text[i+2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// escapedChar returns the character for the one after a backslash.
func escapedChar(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hexUnit returns the UTF-16 code unit of the four digits after \u.
func hexUnit(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c&^0x20 - 'A' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
