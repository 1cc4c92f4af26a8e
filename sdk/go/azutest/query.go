package azutest

import (
	"encoding/hex"
	"strings"
)

// parseQuery returns the first value of each name in a query. It decodes like the host and like browsers: every query
// is valid, and an escape that is not one stays as it is.
func parseQuery(query string) map[string]string {
	values := map[string]string{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if name = decodeQuery(name); !has(values, name) {
			values[name] = decodeQuery(value)
		}
	}
	return values
}

func has(m map[string]string, name string) bool {
	_, ok := m[name]
	return ok
}

// decodeQuery decodes + as a space, and percent-encoded bytes.
func decodeQuery(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "%")
		b.WriteString(before)
		if !ok {
			return strings.ToValidUTF8(b.String(), "\uFFFD")
		}
		char, err := hex.DecodeString(rest[:min(2, len(rest))])
		if err != nil || len(char) == 0 {
			b.WriteByte('%')
			s = rest
			continue
		}
		b.Write(char)
		s = rest[2:]
	}
}
