package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sourceMap maps positions in the bundled script to positions in the sources.
//
// A source map in JSON takes QuickJS longer to parse than a hook may run. So a plugin has the output of encode
// instead: a line of JSON with the names of the sources, and then, for each line of the script, a line of
// "column:source:line" entries, one where either of the last two changes.
type sourceMap struct {
	sources []string
	lines   [][]mapping // by line of the script
}

// mapping is the origin of the code from a column of the script on. All numbers count from 0.
type mapping struct{ column, source, line int }

// parseSourceMap parses a source map (ECMA-426, https://tc39.es/ecma426). It reads the sources and the mappings only.
func parseSourceMap(data []byte) (*sourceMap, error) {
	var m struct {
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("source map: %w", err)
	}
	out := &sourceMap{sources: m.Sources}
	for i, s := range out.sources {
		out.sources[i] = strings.Replace(s, sdkNamespace+":", "azuhost/", 1)
	}
	var source, line int // relative to the previous segment, over all lines
	for row := range strings.SplitSeq(m.Mappings, ";") {
		var mappings []mapping
		column := 0
		for segment := range strings.SplitSeq(row, ",") {
			n, err := decodeVLQ(segment)
			if err != nil {
				return nil, err
			}
			if len(n) < 4 {
				continue
			}
			column, source, line = column+n[0], source+n[1], line+n[2]
			if k := len(mappings); k == 0 || mappings[k-1].source != source || mappings[k-1].line != line {
				mappings = append(mappings, mapping{column, source, line})
			}
		}
		out.lines = append(out.lines, mappings)
	}
	return out, nil
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

var errMappings = errors.New("source map: malformed mappings")

// decodeVLQ decodes the numbers of a segment, which are base 64 VLQ.
func decodeVLQ(segment string) (out []int, err error) {
	value, shift := 0, 0
	for _, c := range segment {
		digit := strings.IndexRune(base64Digits, c)
		if digit < 0 || shift > 30 {
			return nil, errMappings
		}
		value |= digit & 31 << shift
		shift += 5
		if digit&32 != 0 {
			continue
		}
		if value&1 != 0 {
			out = append(out, -(value >> 1))
		} else {
			out = append(out, value>>1)
		}
		value, shift = 0, 0
	}
	if shift != 0 {
		return nil, errMappings
	}
	return out, nil
}

// encode returns the source map in the format of plugins, which sdk/js/stack.ts reads.
func (m *sourceMap) encode() []byte {
	out, _ := json.Marshal(m.sources) // strings cannot fail
	for _, mappings := range m.lines {
		out = append(out, '\n')
		for i, s := range mappings {
			if i > 0 {
				out = append(out, ' ')
			}
			out = fmt.Appendf(out, "%d:%d:%d", s.column, s.source, s.line)
		}
	}
	return out
}

// origin returns "source:line" for a position in the script. Lines and columns count from 1.
func (m *sourceMap) origin(line, column int) (origin string, ok bool) {
	if line < 1 || line > len(m.lines) {
		return "", false
	}
	var at *mapping
	for i, s := range m.lines[line-1] {
		if s.column > column-1 {
			break
		}
		at = &m.lines[line-1][i]
	}
	if at == nil || at.source < 0 || at.source >= len(m.sources) {
		return "", false
	}
	return fmt.Sprintf("%s:%d", m.sources[at.source], at.line+1), true
}

// scriptPosition matches a position in the script, in a stack trace.
var scriptPosition = regexp.MustCompile(regexp.QuoteMeta(scriptName) + `:(\d+):(\d+)`)

// mapStack returns a stack trace with positions in the sources. It drops the lines of the SDK.
func (m *sourceMap) mapStack(stack string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(stack), "\n") {
		line = scriptPosition.ReplaceAllStringFunc(line, func(s string) string {
			at := scriptPosition.FindStringSubmatch(s)
			row, _ := strconv.Atoi(at[1])
			column, _ := strconv.Atoi(at[2])
			if origin, ok := m.origin(row, column); ok {
				return origin
			}
			return s
		})
		if !strings.Contains(line, "(azuhost/") && !strings.Contains(line, scriptName) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
