package config

import (
	"github.com/goccy/go-yaml/ast"
)

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	line  int
	value ast.Node
}

// count holds the file within its bounds.
func (d *decoder) count(n ast.Node, depth int) bool {
	if d.nodes++; d.nodes > maxNodes && !d.full {
		d.full = true
		d.problem(line(n), "too much to read: more than %d values", maxNodes)
	}
	if depth == maxDepth {
		d.problem(line(n), "too deep: more than %d levels", maxDepth)
	}
	return !d.full && depth < maxDepth
}

// resolve follows anchors and aliases to the node that they stand for.
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
				d.problem(line(x), "alias *%s has no anchor &%s", name, name)
				return nil, false
			}
			n = target
		case *ast.TagNode:
			d.problem(line(x), "tags such as %s are not supported", x.Start.Value)
			return nil, false
		case nil:
			return ast.Null(nil), true
		default:
			return n, true
		}
	}
	d.problem(line(n), "an alias stands for itself")
	return nil, false
}

// entries lists a mapping, merge keys (<<) included: their keys come first,
// and count only where the mapping does not have them itself.
func (d *decoder) entries(n ast.Node, what string, depth int) ([]entry, bool) {
	n, ok := d.resolve(n, depth)
	if !ok {
		return nil, false
	}
	var values []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		values = x.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{x}
	case *ast.NullNode:
		return nil, true
	default:
		d.problem(line(n), "%s must be a mapping of keys to values", what)
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
			d.problem(line(v.Key), "a key must be a string")
			return nil, false
		}
		if seen[key] {
			d.problem(line(v.Key), "%q is there twice", key)
			continue
		}
		seen[key] = true
		own = append(own, entry{key: key, line: line(v.Key), value: v.Value})
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

// merge lists what a merge key brings: a mapping, or several in a list.
func (d *decoder) merge(n ast.Node, depth int) ([]entry, bool) {
	n, ok := d.resolve(n, depth)
	if !ok {
		return nil, false
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.entries(n, "what << merges", depth)
	}
	var out []entry
	for _, item := range seq.Values {
		more, ok := d.entries(item, "what << merges", depth+1)
		if !ok {
			return nil, false
		}
		d.nodes += len(more)
		out = append(out, more...)
	}
	return out, true
}

// value converts a node to what encoding/json takes.
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
		d.problem(line(n), "config is given to the plugin as JSON, which has no %s", n.GetToken().Value)
		return nil
	}
	text, ok := scalarText(n)
	if !ok {
		d.problem(line(n), "config: a %s is not supported", n.Type())
	}
	return text
}

// scalarText returns a scalar as the file has it, without quotes.
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
