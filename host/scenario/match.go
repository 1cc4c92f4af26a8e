package scenario

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"strings"
)

// Marks that stand for "..." in a pattern, as strings that no message has.
const (
	anyValue = "\x00..."     // a value, whatever it is
	anyRest  = "\x00...rest" // other members of an object, or elements of an array
)

// matches says whether a text is what a pattern says. JSON is compared by what
// it means: the order of members and spaces do not count, and "..." stands for
// a value, for other members of an object, or for the rest of an array. Other
// texts are compared as they are, with "..." for any run of characters.
func matches(pattern, text string) bool {
	var want, got any
	if p, ok := marked(pattern); ok && decode(p, &want) && decode(text, &got) {
		return equal(want, got)
	}
	return matchesText(pattern, text)
}

func decode(text string, v *any) bool {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(v) != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF // More is silent about what closes nothing
}

// marked puts marks in the place of "..." outside of strings.
func marked(pattern string) (string, bool) {
	trimmed := strings.TrimSpace(pattern)
	if trimmed == "..." {
		return `"\u0000..."`, true
	}
	if trimmed == "" || !strings.ContainsRune(`{["`, rune(trimmed[0])) {
		return pattern, true // a number, or a word
	}
	var out bytes.Buffer
	var containers []byte
	inString := false
	last := byte(0) // the last character that is no space
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case inString:
			if c == '\\' && i+1 < len(pattern) {
				out.WriteByte(c)
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
			rest := strings.TrimLeft(pattern[i+3:], " ")
			switch {
			case last == ':':
				out.WriteString(`"\u0000..."`)
			case len(containers) > 0 && containers[len(containers)-1] == '{':
				out.WriteString(`"\u0000...rest":0`)
			case strings.HasPrefix(rest, "]"):
				out.WriteString(`"\u0000...rest"`)
			default:
				out.WriteString(`"\u0000..."`)
			}
			i += 2
			last = '.'
			continue
		}
		out.WriteByte(c)
		if c != ' ' {
			last = c
		}
	}
	return out.String(), !inString && len(containers) == 0
}

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

// equalNumbers compares by value: 1 and 1.0 are the same.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	if len(a) > 100 || len(b) > 100 {
		return false
	}
	// Exact for 100 digits. Not a Rat: an exponent could make one too large to compute.
	x, okX := new(big.Float).SetPrec(400).SetString(string(a))
	y, okY := new(big.Float).SetPrec(400).SetString(string(b))
	return okX && okY && x.Cmp(y) == 0
}

// matchesText compares with "..." for any run of characters.
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
