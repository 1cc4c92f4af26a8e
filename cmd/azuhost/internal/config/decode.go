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

// Bounds of a file. They are far above any use, and keep a mistake (a binary,
// aliases of aliases) from taking the memory of the machine.
const (
	maxFile  = 1 << 20
	maxNodes = 200_000
	maxDepth = 64
)

// decoder puts a YAML file into a Config and gathers what is wrong with it.
type decoder struct {
	cfg   *Config
	file  string // as errors name it
	base  string // folder of relative paths
	keys  []Key
	probs Problems

	anchors map[string]ast.Node
	nodes   int
	full    bool   // maxNodes is reached
	route   string // path of the route that is being decoded
}

// decodeFile decodes data, the content of the file named file, onto cfg.
// overlay is called when all but the routes is decoded: routes inherit what
// variables and flags change in the defaults.
func decodeFile(cfg *Config, file string, data []byte, overlay func()) Problems {
	d := &decoder{
		cfg: cfg, file: file, base: filepath.Dir(file),
		keys: Keys(), anchors: map[string]ast.Node{},
	}
	root, ok := d.parse(data)
	if !ok {
		return d.probs
	}
	ast.Walk(anchorFinder(d.anchors), root)
	top, _ := d.entries(root, "the file", 0)
	isRoutes := func(e entry) bool { return e.key == "routes" }
	rest := slices.DeleteFunc(slices.Clone(top), isRoutes)
	d.fields(reflect.ValueOf(cfg).Elem(), rest, "", 1)
	overlay()
	if i := slices.IndexFunc(top, isRoutes); i >= 0 {
		d.routes(top[i].value, 1)
	}
	return d.probs
}

// anchorFinder gathers the anchors of a document.
type anchorFinder map[string]ast.Node

func (f anchorFinder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Name.GetToken() != nil {
		f[a.Name.GetToken().Value] = a.Value
	}
	return f
}

// parse returns the root node of the only document. Of an empty file that is
// a null.
func (d *decoder) parse(data []byte) (root ast.Node, ok bool) {
	if len(data) > maxFile {
		d.problem(0, "the file is larger than 1 MiB")
		return nil, false
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			d.problem(syntax.GetToken().Position.Line, "not valid YAML: %s", syntax.GetMessage())
		} else {
			d.problem(0, "not valid YAML: %v", err)
		}
		return nil, false
	}
	for _, doc := range f.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType {
			continue
		}
		if root != nil {
			d.problem(line(doc.Body), "a second document: the file must have one")
			return nil, false
		}
		root = doc.Body
	}
	if root == nil {
		root = ast.Null(nil)
	}
	return root, true
}

func line(n ast.Node) int {
	if n == nil {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func (d *decoder) problem(line int, format string, args ...any) {
	o := origin{file: d.file, line: line}
	text := fmt.Sprintf(format, args...)
	if d.route != "" {
		text = "route " + d.route + ": " + text
	}
	d.probs = append(d.probs, Problem{Where: o.String(), Route: d.route, Text: text, order: o.order()})
}

// fields decodes the entries of a mapping into a struct of the schema.
func (d *decoder) fields(v reflect.Value, entries []entry, prefix string, depth int) {
	known := fieldsOf(v.Type())
	for _, e := range entries {
		i := slices.IndexFunc(known, func(f field) bool { return f.name == e.key })
		if i < 0 {
			d.unknown(e, known)
			continue
		}
		f := known[i]
		d.field(f, v.FieldByIndex(f.index), e, prefix+f.name, depth)
	}
}

// field decodes one value.
func (d *decoder) field(f field, v reflect.Value, e entry, name string, depth int) {
	d.cfg.origin[name] = origin{file: d.file, line: e.line}
	n, ok := d.resolve(e.value, depth)
	if !ok {
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		if short, ok := shortField(v.Type()); ok {
			if _, scalar := scalarText(n); scalar {
				d.field(short, v.FieldByIndex(short.index), e, name+"."+short.name, depth)
				return
			}
		}
		if sub, ok := d.entries(n, name, depth); ok {
			d.fields(v, sub, name+".", depth+1)
		}
	case v.Kind() == reflect.Map:
		m, ok := d.value(n, depth).(map[string]any)
		if !ok && n.Type() != ast.NullType {
			d.problem(e.line, "%s: must be a mapping of keys to values", e.key)
			return
		}
		if m == nil {
			m = map[string]any{}
		}
		v.Set(reflect.ValueOf(m))
	case v.Kind() == reflect.Slice:
		d.list(v, n, e, depth)
	default:
		text, ok := scalarText(n)
		if !ok {
			d.problem(e.line, "%s: must be a %s", e.key, typeName(v.Type()))
			return
		}
		if err := f.set(v, text, d.base); err != nil {
			d.problem(e.line, "%s: %v", e.key, err)
		}
	}
}

// list decodes a sequence of strings.
func (d *decoder) list(v reflect.Value, n ast.Node, e entry, depth int) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(e.line, "%s: must be a list, as in [a, b]", e.key)
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
			d.problem(line(item), "%s: items must be strings", e.key)
			return
		}
		out = append(out, text)
	}
	v.Set(reflect.ValueOf(out))
}

// routes decodes the mapping of paths to routes.
func (d *decoder) routes(n ast.Node, depth int) {
	entries, ok := d.entries(n, "routes", depth)
	if !ok {
		return
	}
	for _, e := range entries {
		d.route = e.key
		r := d.cfg.Defaults.clone()
		r.Path = e.key
		name := routeKey(e.key)
		d.cfg.origin[name] = origin{file: d.file, line: e.line}
		if body, ok := d.resolve(e.value, depth); ok {
			if sub, ok := d.entries(body, "the route", depth); ok {
				d.fields(reflect.ValueOf(&r).Elem(), sub, name+".", depth+2)
			}
		}
		d.cfg.Routes = append(d.cfg.Routes, r)
		d.route = ""
	}
}

// routeKey is the name of a route in Config.origin.
func routeKey(path string) string { return "routes[" + path + "]" }

// clone copies r so that a route may change what it inherits.
func (r Route) clone() Route {
	r.Config = maps.Clone(r.Config)
	r.Subprotocols = slices.Clone(r.Subprotocols)
	r.AllowedOrigins = slices.Clone(r.AllowedOrigins)
	r.Allow = slices.Clone(r.Allow)
	return r
}

// unknown refuses a key, and names the one that may have been meant.
func (d *decoder) unknown(e entry, known []field) {
	var here []string
	for _, f := range known {
		here = append(here, f.name)
	}
	if n, ok := nearest(e.key, here); ok {
		d.problem(e.line, "unknown key %q: did you mean %q?", e.key, n)
		return
	}
	for _, k := range d.keys { // the right key at the wrong place
		if strings.HasSuffix(k.Name, "."+e.key) || k.Name == e.key {
			d.problem(e.line, "unknown key %q: did you mean %q?", e.key, k.Name)
			return
		}
	}
	d.problem(e.line, "unknown key %q: there are %s", e.key, strings.Join(here, ", "))
}
