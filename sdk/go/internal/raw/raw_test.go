package raw_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// wasm is what the compiler makes of a type at the border.
var wasm = map[string][]abi.ValType{
	"uint32": {abi.I32}, "int32": {abi.I32}, "*byte": {abi.I32}, "*int64": {abi.I32},
	"uint64": {abi.I64}, "int64": {abi.I64}, "float64": {abi.F64},
	"string": {abi.I32, abi.I32},
}

func typeOf(t *testing.T, e ast.Expr) []abi.ValType {
	t.Helper()
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.StarExpr:
		name = "*" + e.X.(*ast.Ident).Name
	}
	v, ok := wasm[name]
	if !ok {
		t.Fatalf("the type %q is not in the table of this test", name)
	}
	return v
}

func equal(a, b []abi.ValType) bool { return string(bytes(a)) == string(bytes(b)) }

func bytes(v []abi.ValType) (b []byte) {
	for _, x := range v {
		b = append(b, byte(x))
	}
	return b
}

// TestImports holds the imports against the table of the ABI, both ways.
func TestImports(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "raw_wasip1.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			t.Errorf("something that is no import is in the file")
			continue
		}
		var module, name string
		noescape := false
		for _, c := range f.Doc.List {
			if rest, ok := strings.CutPrefix(c.Text, "//go:wasmimport "); ok {
				module, name, _ = strings.Cut(rest, " ")
			}
			noescape = noescape || c.Text == "//go:noescape"
		}
		def, ok := abi.ImportByName(name)
		if !ok || module != abi.Module {
			t.Errorf("%s imports %s.%s, which is not in the table", f.Name.Name, module, name)
			continue
		}
		seen[name] = true
		if !noescape {
			t.Errorf("%s is not marked go:noescape: arguments would be moved to the heap", f.Name.Name)
		}
		var got, want []abi.ValType
		for _, p := range f.Type.Params.List {
			for range p.Names {
				got = append(got, typeOf(t, p.Type)...)
			}
		}
		for _, p := range def.Params {
			want = append(want, p.Type)
		}
		if !equal(got, want) {
			t.Errorf("%s has the parameters %v, the table %v", f.Name.Name, got, want)
		}
		if r := typeOf(t, f.Type.Results.List[0].Type); !equal(r, []abi.ValType{def.Result}) {
			t.Errorf("%s has the result %v, the table %v", f.Name.Name, r, def.Result)
		}
	}
	for _, d := range abi.Imports {
		if !seen[d.Name] {
			t.Errorf("%s is not imported", d.Name)
		}
	}
}
