package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Places of a script and where they came from: a source map as the bundler
// gives it takes a script in QuickJS longer to read than a hook may run. What a
// plugin has is a line of JSON with the names of the sources, and then a line
// for each line of the script, of "column:source:line" where either changes.
type places struct {
	sources []string
	lines   [][]spot
}

// spot is where the code from a column on came from. All count from 0.
type spot struct{ column, source, line int }

// readMap reads a source map (https://tc39.es/ecma426), of which it needs the
// sources and the mappings.
func readMap(data []byte) (*places, error) {
	var m struct {
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("source map: %w", err)
	}
	p := &places{sources: m.Sources}
	for i, s := range p.sources {
		p.sources[i] = strings.Replace(s, sdkSpace+":", "azuhost/", 1)
	}
	var source, line int // go on from line to line
	for row := range strings.SplitSeq(m.Mappings, ";") {
		var spots []spot
		column := 0
		for segment := range strings.SplitSeq(row, ",") {
			n, err := numbers(segment)
			if err != nil {
				return nil, err
			}
			if len(n) < 4 {
				continue
			}
			column, source, line = column+n[0], source+n[1], line+n[2]
			if k := len(spots); k == 0 || spots[k-1].source != source || spots[k-1].line != line {
				spots = append(spots, spot{column, source, line})
			}
		}
		p.lines = append(p.lines, spots)
	}
	return p, nil
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

var errMap = errors.New("source map: mappings that are none")

// numbers reads the numbers of a segment: base 64 VLQ.
func numbers(segment string) (out []int, err error) {
	value, shift := 0, 0
	for _, c := range segment {
		digit := strings.IndexRune(base64Digits, c)
		if digit < 0 || shift > 30 {
			return nil, errMap
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
		return nil, errMap
	}
	return out, nil
}

// encode is what sdk/js/stack.ts reads.
func (p *places) encode() []byte {
	out, _ := json.Marshal(p.sources) // of strings: no error
	for _, spots := range p.lines {
		out = append(out, '\n')
		for i, s := range spots {
			if i > 0 {
				out = append(out, ' ')
			}
			out = fmt.Appendf(out, "%d:%d:%d", s.column, s.source, s.line)
		}
	}
	return out
}

// origin says where a place of the script came from. Lines and columns count
// from 1.
func (p *places) origin(line, column int) (string, bool) {
	if line < 1 || line > len(p.lines) {
		return "", false
	}
	var at *spot
	for i, s := range p.lines[line-1] {
		if s.column > column-1 {
			break
		}
		at = &p.lines[line-1][i]
	}
	if at == nil || at.source < 0 || at.source >= len(p.sources) {
		return "", false
	}
	return fmt.Sprintf("%s:%d", p.sources[at.source], at.line+1), true
}

// place is a place in the script, in a stack.
var place = regexp.MustCompile(regexp.QuoteMeta(scriptName) + `:(\d+):(\d+)`)

// mapped shows the places of the sources in a stack, and leaves out those of
// the SDK.
func (p *places) mapped(stack string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(stack), "\n") {
		line = place.ReplaceAllStringFunc(line, func(s string) string {
			at := place.FindStringSubmatch(s)
			row, _ := strconv.Atoi(at[1])
			column, _ := strconv.Atoi(at[2])
			if from, ok := p.origin(row, column); ok {
				return from
			}
			return s
		})
		if !strings.Contains(line, "(azuhost/") && !strings.Contains(line, scriptName) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
