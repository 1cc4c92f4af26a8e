package config

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits of a file. They are far above any real file. They bound the memory that a wrong file takes, such as a binary
// or a file with aliases of aliases.
const (
	maxFile  = 1 << 20 // bytes
	maxNodes = 200_000
	maxDepth = 64
)

// decoder decodes a YAML file into a Config and collects the problems of the file.
type decoder struct {
	cfg   *Config
	file  string // as problems name it
	base  string // folder of relative paths
	keys  []Key
	probs Problems

	anchors map[string]ast.Node
	nodes   int    // counted so far
	full    bool   // maxNodes is exceeded
	route   string // path of the route that is being decoded, or empty
}

// decodeFile decodes data, the content of the file named file, into cfg. It calls overlay after all keys but routes are
// decoded: routes inherit the values that variables and flags set in the defaults.
func decodeFile(cfg *Config, file string, data []byte, overlay func()) Problems {
	d := &decoder{
		cfg: cfg, file: file, base: filepath.Dir(file),
		keys: Keys(), anchors: map[string]ast.Node{},
	}
	root, ok := d.parse(data)
	if !ok {
		return d.probs
	}
	ast.Walk(anchorCollector(d.anchors), root)
	top, _ := d.entries(root, "the file", 0)
	isRoutes := func(e entry) bool { return e.key == "routes" }
	rest := slices.DeleteFunc(slices.Clone(top), isRoutes)
	d.decodeFields(reflect.ValueOf(cfg).Elem(), rest, "", 1)
	overlay()
	if i := slices.IndexFunc(top, isRoutes); i >= 0 {
		d.decodeRoutes(top[i].value, 1)
	}
	return d.probs
}

// anchorCollector collects the anchors of a document by their names. It is an ast.Visitor.
type anchorCollector map[string]ast.Node

// Visit implements ast.Visitor.
func (c anchorCollector) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Name.GetToken() != nil {
		c[a.Name.GetToken().Value] = a.Value
	}
	return c
}

// parse returns the root node of the only document in data. It returns a null node for an empty file.
func (d *decoder) parse(data []byte) (root ast.Node, ok bool) {
	if len(data) > maxFile {
		d.addProblem(0, "the file is larger than 1 MiB")
		return nil, false
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			d.addProblem(syntax.GetToken().Position.Line, "not valid YAML: %s", syntax.GetMessage())
		} else {
			d.addProblem(0, "not valid YAML: %v", err)
		}
		return nil, false
	}
	for _, doc := range f.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType {
			continue
		}
		if root != nil {
			d.addProblem(lineOf(doc.Body), "a second YAML document: put all keys in one")
			return nil, false
		}
		root = doc.Body
	}
	if root == nil {
		root = ast.Null(nil)
	}
	return root, true
}

// lineOf returns the line of a node, from 1, or 0 if the line is unknown.
func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// addProblem adds a problem at a line of the file. Line 0 names the file only.
func (d *decoder) addProblem(line int, format string, args ...any) {
	o := origin{file: d.file, line: line}
	text := fmt.Sprintf(format, args...)
	if d.route != "" {
		text = "route " + d.route + ": " + text
	}
	d.probs = append(d.probs, Problem{Where: o.String(), Route: d.route, Text: text, order: o.order()})
}

// decodeFields decodes the entries of a mapping into v, a struct of the schema. prefix is the name of v, with a dot at
// its end.
func (d *decoder) decodeFields(v reflect.Value, entries []entry, prefix string, depth int) {
	known := fieldsOf(v.Type())
	for _, e := range entries {
		i := slices.IndexFunc(known, func(f field) bool { return f.name == e.key })
		if i < 0 {
			d.refuseKey(e, known)
			continue
		}
		f := known[i]
		d.decodeField(f, v.FieldByIndex(f.index), e, prefix+f.name, depth)
	}
}

// decodeField decodes the value of e into v, the value of the field f. name is the name of the key.
func (d *decoder) decodeField(f field, v reflect.Value, e entry, name string, depth int) {
	d.cfg.origin[name] = origin{file: d.file, line: e.line}
	n, ok := d.resolve(e.value, depth)
	if !ok {
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		if short, ok := shortField(v.Type()); ok {
			if _, scalar := scalarText(n); scalar {
				d.decodeField(short, v.FieldByIndex(short.index), e, name+"."+short.name, depth)
				return
			}
		}
		if sub, ok := d.entries(n, name, depth); ok {
			d.decodeFields(v, sub, name+".", depth+1)
		}
	case v.Kind() == reflect.Map:
		m, ok := d.value(n, depth).(map[string]any)
		if !ok && n.Type() != ast.NullType {
			d.addProblem(e.line, "%s: must be a mapping of keys to values", e.key)
			return
		}
		if m == nil {
			m = map[string]any{}
		}
		v.Set(reflect.ValueOf(m))
	case v.Kind() == reflect.Slice:
		d.decodeList(v, n, e, depth)
	default:
		text, ok := scalarText(n)
		if !ok {
			d.addProblem(e.line, "%s: must be a %s", e.key, typeName(v.Type()))
			return
		}
		if err := f.set(v, text, d.base); err != nil {
			d.addProblem(e.line, "%s: %v", e.key, err)
		}
	}
}

// decodeList decodes a sequence of strings.
func (d *decoder) decodeList(v reflect.Value, n ast.Node, e entry, depth int) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.addProblem(e.line, "%s: must be a list, as in [a, b]", e.key)
		return
	}
	out := []string{}
	for _, item := range seq.Values {
		item, ok := d.resolve(item, depth+1)
		if !ok {
			return
		}
		text, ok := scalarText(item)
		if !ok {
			d.addProblem(lineOf(item), "%s: items must be strings", e.key)
			return
		}
		out = append(out, text)
	}
	v.Set(reflect.ValueOf(out))
}

// decodeRoutes decodes the mapping of paths to routes.
func (d *decoder) decodeRoutes(n ast.Node, depth int) {
	entries, ok := d.entries(n, "routes", depth)
	if !ok {
		return
	}
	for _, e := range entries {
		d.route = e.key
		r := d.cfg.Defaults.clone()
		r.Path = e.key
		name := routeName(e.key)
		d.cfg.origin[name] = origin{file: d.file, line: e.line}
		if body, ok := d.resolve(e.value, depth); ok {
			if sub, ok := d.entries(body, "the route", depth); ok {
				d.decodeFields(reflect.ValueOf(&r).Elem(), sub, name+".", depth+2)
			}
		}
		d.cfg.Routes = append(d.cfg.Routes, r)
		d.route = ""
	}
}

// routeName returns the name of a route in Config.origin.
func routeName(path string) string { return "routes[" + path + "]" }

// clone returns a copy of r that shares no map or list with it.
func (r Route) clone() Route {
	r.Config = maps.Clone(r.Config)
	r.Subprotocols = slices.Clone(r.Subprotocols)
	r.AllowedOrigins = slices.Clone(r.AllowedOrigins)
	r.Allow = slices.Clone(r.Allow)
	return r
}

// refuseKey adds the problem that e has an unknown key. It names a similar key. known holds the keys of the block.
func (d *decoder) refuseKey(e entry, known []field) {
	var names []string
	for _, f := range known {
		names = append(names, f.name)
	}
	if near, ok := nearestName(e.key, names); ok {
		d.addProblem(e.line, "unknown key %q: did you mean %q?", e.key, near)
		return
	}
	for _, k := range d.keys { // a key of another block
		if strings.HasSuffix(k.Name, "."+e.key) || k.Name == e.key {
			d.addProblem(e.line, "unknown key %q: did you mean %q?", e.key, k.Name)
			return
		}
	}
	d.addProblem(e.line, "unknown key %q: the keys here are %s", e.key, strings.Join(names, ", "))
}
