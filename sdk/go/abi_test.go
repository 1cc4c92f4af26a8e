package azu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	azu "github.com/azuhost/azuhost/sdk/go"
)

// TestNumbers compares the numbers of the SDK with those of the ABI.
func TestNumbers(t *testing.T) {
	for _, p := range [][2]int{
		{int(azu.KindText), int(abi.Text)}, {int(azu.KindBinary), int(abi.Binary)},
		{int(azu.LevelDebug), int(abi.Debug)}, {int(azu.LevelInfo), int(abi.Info)},
		{int(azu.LevelWarn), int(abi.Warn)}, {int(azu.LevelError), int(abi.Error)},
		{int(azu.ErrInvalid), int(abi.Invalid)}, {int(azu.ErrNotFound), int(abi.NotFound)},
		{int(azu.ErrPerm), int(abi.Perm)}, {int(azu.ErrLimit), int(abi.Limit)},
		{int(azu.ErrState), int(abi.State)}, {int(azu.ErrTimeout), int(abi.Timeout)},
		{int(azu.ErrUnavailable), int(abi.Unavailable)}, {int(azu.ErrFailed), int(abi.Failed)},
	} {
		if p[0] != p[1] {
			t.Errorf("the SDK has %d, and the ABI has %d", p[0], p[1])
		}
	}
	for n := -1; n > -100; n-- {
		name, text := abi.Errno(n).Name(), azu.Errno(n).Error()
		if known := !strings.HasPrefix(name, "ERRNO_"); known != strings.Contains(text, "("+name+")") {
			t.Errorf("%d is %s in the ABI, and %q in the SDK", n, name, text)
		}
	}
}

// TestExports compares the exports with the hooks of the ABI.
func TestExports(t *testing.T) {
	wasm := map[string]abi.ValType{"uint32": abi.I32, "int32": abi.I32, "uint64": abi.I64}
	seen := map[string]bool{}
	for _, name := range []string{".", "onping", "onpong", "onpresence", "onpublish"} {
		file, err := parser.ParseFile(token.NewFileSet(), name+"/export_wasip1.go", nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			export := strings.TrimPrefix(f.Doc.List[len(f.Doc.List)-1].Text, "//go:wasmexport ")
			seen[export] = true
			var got, want []abi.ValType
			for _, p := range f.Type.Params.List {
				for range p.Names {
					got = append(got, wasm[p.Type.(*ast.Ident).Name])
				}
			}
			result := abi.I32
			if export == abi.VersionExport {
				result = abi.I64
			} else if h, ok := abi.HookByName(export); ok {
				for _, p := range abi.Hooks[h].Params {
					want = append(want, p.Type)
				}
			} else {
				t.Errorf("the export %s is no hook", export)
			}
			equal(t, export+" parameters", got, want)
			equal(t, export+" result", wasm[f.Type.Results.List[0].Type.(*ast.Ident).Name], result)
		}
	}
	for _, d := range abi.Hooks {
		if !seen[d.Name] {
			t.Errorf("%s is not exported", d.Name)
		}
	}
}
