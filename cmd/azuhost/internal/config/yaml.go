package config

import "github.com/goccy/go-yaml/ast"

// entry is a key of a YAML mapping with its value.
type entry struct {
	key   string
	line  int
	value ast.Node
}

// count counts n and reports whether the file is within its limits. Beyond a limit it adds a problem.
func (d *decoder) count(n ast.Node, depth int) bool {
	if d.nodes++; d.nodes > maxNodes && !d.full {
		d.full = true
		d.addProblem(lineOf(n), "too many values: more than %d", maxNodes)
	}
	if depth == maxDepth {
		d.addProblem(lineOf(n), "too deep: more than %d levels", maxDepth)
	}
	return !d.full && depth < maxDepth
}

// resolve follows anchors and aliases to the node that they stand for. It adds a problem if there is none.
func (d *decoder) resolve(n ast.Node, depth int) (ast.Node, bool) {
	for range maxDepth {
		if !d.count(n, depth) {
			return nil, false
		}
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			name := ""
			if x.Value != nil && x.Value.GetToken() != nil {
				name = x.Value.GetToken().Value
			}
			target, ok := d.anchors[name]
			if !ok {
				d.addProblem(lineOf(x), "alias *%s has no anchor &%s", name, name)
				return nil, false
			}
			n = target
		case *ast.TagNode:
			d.addProblem(lineOf(x), "tags such as %s are not supported", x.Start.Value)
			return nil, false
		case nil:
			return ast.Null(nil), true
		default:
			return n, true
		}
	}
	d.addProblem(lineOf(n), "an alias refers to itself")
	return nil, false
}

// entries returns the entries of a mapping. The entries of its merge keys (<<) come first. The mapping's own entries
// override them. Problems call the mapping by title.
func (d *decoder) entries(n ast.Node, title string, depth int) ([]entry, bool) {
	values, ok := d.mapping(n, title, depth)
	if !ok {
		return nil, false
	}
	var own, merged []entry
	seen := map[string]bool{}
	for _, v := range values {
		if v.Key.IsMergeKey() {
			more, ok := d.merge(v.Value, depth+1)
			if !ok {
				return nil, false
			}
			d.nodes += len(more)
			merged = append(merged, more...)
			continue
		}
		key, ok := scalarText(v.Key)
		if !ok {
			d.addProblem(lineOf(v.Key), "a key must be a string")
			return nil, false
		}
		if seen[key] {
			d.addProblem(lineOf(v.Key), "the key %q is there twice: remove one", key)
			continue
		}
		seen[key] = true
		own = append(own, entry{key: key, line: lineOf(v.Key), value: v.Value})
	}
	var out []entry
	for _, e := range merged {
		if !seen[e.key] {
			seen[e.key] = true
			out = append(out, e)
		}
	}
	return append(out, own...), true
}

// mapping returns the values of a mapping as YAML has them. A null is an empty mapping.
func (d *decoder) mapping(n ast.Node, title string, depth int) ([]*ast.MappingValueNode, bool) {
	n, ok := d.resolve(n, depth)
	if !ok {
		return nil, false
	}
	switch x := n.(type) {
	case *ast.MappingNode:
		return x.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{x}, true
	case *ast.NullNode:
		return nil, true
	}
	d.addProblem(lineOf(n), "%s must be a mapping of keys to values", title)
	return nil, false
}

// merge returns the entries of the value of a merge key, which is a mapping or a list of mappings.
func (d *decoder) merge(n ast.Node, depth int) ([]entry, bool) {
	n, ok := d.resolve(n, depth)
	if !ok {
		return nil, false
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.entries(n, "the value of <<", depth)
	}
	var out []entry
	for _, item := range seq.Values {
		more, ok := d.entries(item, "the value of <<", depth+1)
		if !ok {
			return nil, false
		}
		d.nodes += len(more)
		out = append(out, more...)
	}
	return out, true
}

// value converts a node to a value that encoding/json can encode.
func (d *decoder) value(n ast.Node, depth int) any {
	n, ok := d.resolve(n, depth)
	if !ok {
		return nil
	}
	switch x := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		entries, _ := d.entries(x, "config", depth)
		m := make(map[string]any, len(entries))
		for _, e := range entries {
			m[e.key] = d.value(e.value, depth+1)
		}
		return m
	case *ast.SequenceNode:
		list := make([]any, 0, len(x.Values))
		for _, item := range x.Values {
			list = append(list, d.value(item, depth+1))
		}
		return list
	case *ast.BoolNode:
		return x.Value
	case *ast.IntegerNode:
		return x.Value
	case *ast.FloatNode:
		return x.Value
	case *ast.NullNode:
		return nil
	case *ast.InfinityNode, *ast.NanNode:
		d.addProblem(lineOf(n), "config: the plugin receives it as JSON, which has no %s", n.GetToken().Value)
		return nil
	}
	text, ok := scalarText(n)
	if !ok {
		d.addProblem(lineOf(n), "config: a %s is not supported", n.Type())
	}
	return text
}

// scalarText returns the text of a scalar as the file has it, without quotes.
func scalarText(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}
