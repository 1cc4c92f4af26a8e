package scenario

import (
	"encoding/json"
	"io"
	"math/big"
	"strings"
)

// Strings that replace "..." in a pattern, so that the pattern is JSON. Messages
// do not contain them.
const (
	anyValue = "\x00..."     // any value
	anyRest  = "\x00...rest" // other members of an object, or other elements of an array
)

// JSON strings of anyValue and anyRest.
const (
	anyValueJSON = `"\u0000..."`
	anyRestJSON  = `"\u0000...rest"`
)

// matches reports whether a text matches a pattern. JSON is compared by value:
// the order of members and white space do not count, and "..." stands for a
// value, for other members of an object, or for the rest of an array. Other texts
// are compared literally, with "..." for any run of characters.
func matches(pattern, text string) bool {
	var want, got any
	if p, ok := replaceDots(pattern); ok && decode(p, &want) && decode(text, &got) {
		return equal(want, got)
	}
	return matchesText(pattern, text)
}

// decode decodes a text that is one JSON value.
func decode(text string, v *any) bool {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(v) != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF // More would not notice a closing bracket that is too many
}

// replaceDots replaces "..." outside of strings. ok is false if the brackets and
// quotes of the pattern do not match: it is no JSON.
func replaceDots(pattern string) (out string, ok bool) {
	trimmed := strings.TrimSpace(pattern)
	if trimmed == "..." {
		return anyValueJSON, true
	}
	if trimmed == "" || !strings.ContainsRune(`{["`, rune(trimmed[0])) {
		return pattern, true // a number, or a word
	}
	var b strings.Builder
	var containers []byte // open brackets
	inString := false
	last := byte(0) // the last character that is no space
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case inString:
			if c == '\\' && i+1 < len(pattern) {
				b.WriteByte(c)
				i++
				c = pattern[i]
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			containers = append(containers, c)
		case (c == '}' || c == ']') && len(containers) > 0:
			containers = containers[:len(containers)-1]
		case strings.HasPrefix(pattern[i:], "..."):
			inObject := len(containers) > 0 && containers[len(containers)-1] == '{'
			b.WriteString(replacement(pattern[i+3:], last, inObject))
			i += 2
			last = '.'
			continue
		}
		b.WriteByte(c)
		if c != ' ' {
			last = c
		}
	}
	return b.String(), !inString && len(containers) == 0
}

// replacement returns the JSON for "..." between a character and the rest of the
// pattern.
func replacement(rest string, last byte, inObject bool) string {
	switch {
	case last == ':':
		return anyValueJSON
	case inObject:
		return anyRestJSON + ":0"
	case strings.HasPrefix(strings.TrimLeft(rest, " "), "]"):
		return anyRestJSON
	}
	return anyValueJSON
}

// equal reports whether a decoded message equals a decoded pattern.
func equal(want, got any) bool {
	if want == anyValue {
		return true
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && equalMembers(w, g)
	case []any:
		g, ok := got.([]any)
		return ok && equalElements(w, g)
	case json.Number:
		g, ok := got.(json.Number)
		return ok && equalNumbers(w, g)
	}
	return want == got
}

func equalMembers(want, got map[string]any) bool {
	_, open := want[anyRest]
	n := len(want)
	if open {
		n--
	}
	if len(got) < n || !open && len(got) > n {
		return false
	}
	for name, w := range want {
		if name == anyRest {
			continue
		}
		if g, ok := got[name]; !ok || !equal(w, g) {
			return false
		}
	}
	return true
}

func equalElements(want, got []any) bool {
	if n := len(want); n > 0 && want[n-1] == anyRest {
		if len(got) < n-1 {
			return false
		}
		want, got = want[:n-1], got[:n-1]
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !equal(want[i], got[i]) {
			return false
		}
	}
	return true
}

// equalNumbers compares by value: 1 equals 1.0.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	if len(a) > 100 || len(b) > 100 {
		return false
	}
	// 400 bits are exact for 100 digits. A big.Rat could get too large from an exponent.
	x, okX := new(big.Float).SetPrec(400).SetString(string(a))
	y, okY := new(big.Float).SetPrec(400).SetString(string(b))
	return okX && okY && x.Cmp(y) == 0
}

// matchesText compares literally, with "..." for any run of characters.
func matchesText(pattern, text string) bool {
	parts := strings.Split(pattern, "...")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, last)
}
