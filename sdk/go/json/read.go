package json

import (
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is what a value is.
type Kind uint8

// Kinds of values. None is a value that is not there.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Obj
)

// Value is a value in a document that [Parse] accepted. It refers to the
// document's bytes: it is valid as long as they do not change. The zero Value is
// one that is not there, and everything in it is not there either, so that
// look-ups can be chained.
type Value struct{ raw []byte }

// Kind says what the value is.
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

// Exists says whether there is a value.
func (v Value) Exists() bool { return len(v.raw) > 0 }

// Raw is the value as it stands in the document.
func (v Value) Raw() []byte { return v.raw }

// Get is a member of an object. Of several with the same name the last counts.
func (v Value) Get(name string) Value {
	var found Value
	if v.Kind() != Obj {
		return found
	}
	d := v.raw
	for i := space(d, 1); d[i] != '}'; {
		key, value, next := member(d, i)
		if string(key) == name || len(key) > len(name) && is(key, name) {
			found = value
		}
		i = next
	}
	return found
}

// member takes a member of an object: its name as it stands in the document,
// without the quotes, its value, and the index after it.
func member(d []byte, i int) (key []byte, value Value, next int) {
	end := skipString(d, i)
	from := space(d, space(d, end)+1) // over the colon
	to := skip(d, from)
	return d[i+1 : end-1], Value{d[from:to]}, after(d, to)
}

// Members goes through the members of an object, in the document's order.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Obj {
			return
		}
		d := v.raw
		for i := space(d, 1); d[i] != '}'; {
			key, value, next := member(d, i)
			if !yield(string(unquote(nil, key)), value) {
				return
			}
			i = next
		}
	}
}

// Items goes through the items of an array.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != Array {
			return
		}
		d := v.raw
		for i := space(d, 1); d[i] != ']'; {
			to := skip(d, i)
			if !yield(Value{d[i:to]}) {
				return
			}
			i = after(d, to)
		}
	}
}

// Str is the text of a string, decoded; empty for everything else.
func (v Value) Str() string {
	if v.Kind() != String {
		return ""
	}
	text := v.raw[1 : len(v.raw)-1]
	for _, c := range text {
		if c == '\\' {
			return string(unquote(make([]byte, 0, len(text)), text))
		}
	}
	return string(text)
}

// Is says whether the value is a string with this text. It is cheaper than
// Str, which makes a string.
func (v Value) Is(text string) bool {
	if v.Kind() != String {
		return false
	}
	raw := v.raw[1 : len(v.raw)-1]
	return string(raw) == text || len(raw) > len(text) && is(raw, text)
}

// Int is a whole number that an int64 holds; ok is false for everything else,
// also for 1.0 and 1e3.
func (v Value) Int() (n int64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	return n, err == nil
}

// Float is a number; ok is false for everything else, and for numbers that a
// float64 cannot hold.
func (v Value) Float() (f float64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

// True says whether the value is true.
func (v Value) True() bool { return len(v.raw) > 0 && v.raw[0] == 't' }

// is compares a name in the document, which has escapes if it is longer, with
// one.
func is(raw []byte, name string) bool {
	for _, c := range raw {
		if c == '\\' {
			return string(unquote(nil, raw)) == name
		}
	}
	return false
}

// unquote appends the text of a string without its quotes. A surrogate
// without its other half becomes U+FFFD.
func unquote(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if text[i+1] != 'u' {
			dst = append(dst, plain(text[i+1]))
			i += 2
			continue
		}
		r := unit(text[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if i+6 <= len(text) && text[i] == '\\' && text[i+1] == 'u' {
				low = unit(text[i+2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// plain is what the character after a backslash stands for.
func plain(c byte) byte {
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

// unit reads the four digits of a \u.
func unit(digits []byte) rune {
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
