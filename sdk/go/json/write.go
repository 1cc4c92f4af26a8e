package json

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Object is a JSON object that is being written. [New] begins one, methods add members, and [Object.Bytes] ends it:
//
//	json.New(nil).Str("type", "message").Int("at", now).Bytes()
//
// An Object is used once: the result of a method takes over its memory.
type Object struct{ buf []byte }

// New begins an object, which is appended to dst. If dst is nil, New allocates a buffer that is large enough for most
// messages.
func New(dst []byte) Object {
	if dst == nil {
		dst = make([]byte, 0, 256)
	}
	return Object{append(dst, '{')}
}

// Bytes ends the object and returns its bytes.
func (o Object) Bytes() []byte { return append(o.buf, '}') }

// key appends a name, and a comma before it unless it is the first.
func (o Object) key(name string) []byte {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	return append(AppendString(o.buf, name), ':')
}

// Str adds a string.
func (o Object) Str(name, value string) Object { return Object{AppendString(o.key(name), value)} }

// Int adds an integer. JavaScript represents integers exactly up to 2^53.
func (o Object) Int(name string, value int64) Object {
	return Object{strconv.AppendInt(o.key(name), value, 10)}
}

// Float adds a number, and null for NaN and the infinities, which JSON does not have.
func (o Object) Float(name string, value float64) Object {
	return Object{AppendFloat(o.key(name), value)}
}

// Bool adds true or false.
func (o Object) Bool(name string, value bool) Object {
	return Object{strconv.AppendBool(o.key(name), value)}
}

// Raw adds a value that is already JSON. It does not check the value.
func (o Object) Raw(name string, value []byte) Object {
	return Object{append(o.key(name), value...)}
}

// Strings returns an array of strings for [Object.Raw].
func Strings[S ~string](list []S) []byte { return AppendStrings(nil, list) }

// AppendStrings appends an array of strings.
func AppendStrings[S ~string](dst []byte, list []S) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

const hex = "0123456789abcdef"

// AppendString appends s in quotes. Bytes that are not UTF-8 become U+FFFD. U+2028 and U+2029 are escaped, because they
// end a line in JavaScript before ES2019.
func AppendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = escape(append(dst, s[from:i]...), c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			from = i + n
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[from:i]...), `\u202`...)
			dst = append(dst, hex[r&0xf])
			from = i + n
		}
		i += n
	}
	return append(append(dst, s[from:]...), '"')
}

// escape appends an ASCII character that a string must escape.
func escape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// AppendFloat appends a number, and null for NaN and the infinities.
func AppendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}
