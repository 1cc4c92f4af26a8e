package sdk_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// rawFile is a file in which an SDK declares the host functions.
type rawFile struct {
	file  string
	decl  *regexp.Regexp         // matches a declaration; groups: name, params, result
	param *regexp.Regexp         // matches a parameter; groups: name, type
	wasm  map[string]abi.ValType // the WebAssembly types of the types of the language
}

// rawFiles are the files by SDK. The SDK for Go has a test of its own, which uses Go's parser.
var rawFiles = map[string]rawFile{
	"rust": {
		"rust/src/raw.rs",
		regexp.MustCompile(`pub fn (?P<name>\w+)\((?P<params>.*)\) -> (?P<result>\w+);`),
		regexp.MustCompile(`^(?P<name>\w+): (?P<type>.+)$`),
		map[string]abi.ValType{
			"u64":       abi.I64,
			"i64":       abi.I64,
			"i32":       abi.I32,
			"usize":     abi.I32,
			"*const u8": abi.I32,
			"*mut u8":   abi.I32,
			"*mut i64":  abi.I32,
			"f64":       abi.F64,
		},
	},
	"assemblyscript": {
		"assemblyscript/assembly/raw.ts",
		regexp.MustCompile(
			`@external\("azu", "\w+"\) export declare function (?P<name>\w+)\((?P<params>.*)\): (?P<result>\w+);`,
		),
		regexp.MustCompile(`^(?P<name>\w+): (?P<type>.+)$`),
		map[string]abi.ValType{"u64": abi.I64, "i64": abi.I64, "i32": abi.I32, "usize": abi.I32, "f64": abi.F64},
	},
	"zig": {
		"zig/raw.zig",
		regexp.MustCompile(`pub extern "azu" fn (?P<name>\w+)\((?P<params>.*)\) (?P<result>\w+);`),
		regexp.MustCompile(`^(?P<name>\w+): (?P<type>.+)$`),
		map[string]abi.ValType{
			"u64":         abi.I64,
			"i64":         abi.I64,
			"i32":         abi.I32,
			"usize":       abi.I32,
			"[*]const u8": abi.I32,
			"[*]u8":       abi.I32,
			"*i64":        abi.I32,
			"f64":         abi.F64,
		},
	},
	"wat": {
		"wat/raw.wat",
		regexp.MustCompile(`\(import "azu" "(?P<name>\w+)" \(func \$\w+ ?(?P<params>.*?) ?\(result (?P<result>\w+)\)\)\)`),
		regexp.MustCompile(`^\(param \$(?P<name>\w+) (?P<type>\w+)\)$`),
		map[string]abi.ValType{"i64": abi.I64, "i32": abi.I32, "f64": abi.F64},
	},
	"c": {
		"c/azuhost_raw.h",
		regexp.MustCompile(`AZU_IMPORT\((?P<name>\w+)\) (?P<result>\w+) azu_raw_\w+\((?P<params>.*)\);`),
		regexp.MustCompile(`^(?P<type>.+?) ?(?P<name>\w+)$`),
		map[string]abi.ValType{
			"uint64_t":     abi.I64,
			"int64_t":      abi.I64,
			"uint32_t":     abi.I32,
			"int32_t":      abi.I32,
			"const void *": abi.I32,
			"void *":       abi.I32,
			"double":       abi.F64,
		},
	},
}

// TestRawImports compares the raw imports of every SDK with the ABI.
func TestRawImports(t *testing.T) {
	for language, raw := range rawFiles {
		t.Run(language, func(t *testing.T) {
			text, err := os.ReadFile(raw.file)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, m := range raw.decl.FindAllStringSubmatch(string(text), -1) {
				name := m[raw.decl.SubexpIndex("name")]
				def, ok := abi.ImportByName(name)
				if !ok || seen[name] {
					t.Errorf("%s is not a host function, or is declared twice", name)
				}
				seen[name] = true
				if got := raw.params(t, m[raw.decl.SubexpIndex("params")]); !slices.Equal(got, def.Params) {
					t.Errorf("%s has the parameters %v, the ABI %v", name, got, def.Params)
				}
				if got := raw.wasm[m[raw.decl.SubexpIndex("result")]]; got != def.Result {
					t.Errorf("%s has the result %v, the ABI %v", name, got, def.Result)
				}
			}
			for _, d := range abi.Imports {
				if !seen[d.Name] {
					t.Errorf("%s is not declared", d.Name)
				}
			}
		})
	}
}

// params parses the parameters of a declaration.
func (r rawFile) params(t *testing.T, text string) (list []abi.Param) {
	t.Helper()
	if text == "" || text == "void" {
		return nil
	}
	for p := range strings.SplitSeq(strings.ReplaceAll(text, ") (", "), ("), ", ") {
		m := r.param.FindStringSubmatch(p)
		if m == nil {
			t.Fatalf("%q is not a parameter", p)
		}
		typ, ok := r.wasm[m[r.param.SubexpIndex("type")]]
		if !ok {
			t.Errorf("the type of %q is unknown", p)
		}
		list = append(list, abi.Param{Name: m[r.param.SubexpIndex("name")], Type: typ})
	}
	return list
}
