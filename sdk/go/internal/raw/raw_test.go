package raw_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// wasmTypes has the WebAssembly types of the Go types in signatures of imports.
var wasmTypes = map[string][]abi.ValType{
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
	v, ok := wasmTypes[name]
	if !ok {
		t.Fatalf("the type %q is not in the table of this test", name)
	}
	return v
}

// TestImports compares the imports with the table of the ABI.
func TestImports(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "raw_wasip1.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			t.Error("the file has a declaration that is no import")
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
			t.Errorf("%s is not marked go:noescape: its arguments would move to the heap", f.Name.Name)
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
		if !slices.Equal(got, want) {
			t.Errorf("%s has the parameters %v, and the table has %v", f.Name.Name, got, want)
		}
		if r := typeOf(t, f.Type.Results.List[0].Type); !slices.Equal(r, []abi.ValType{def.Result}) {
			t.Errorf("%s has the result %v, and the table has %v", f.Name.Name, r, def.Result)
		}
	}
	for _, d := range abi.Imports {
		if !seen[d.Name] {
			t.Errorf("%s is not imported", d.Name)
		}
	}
}
