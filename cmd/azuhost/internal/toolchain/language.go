package toolchain

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
)

// Language is a language that plugins can be written in.
type Language struct {
	Name    string // as in azuhost new
	Aliases []string
	Title   string
	Tools   []Tool
	// SDK is the folder of the SDK in sdk/. Empty: it has none.
	SDK string

	files       []string // patterns of its source files
	sharedFiles []string // patterns of source files that are another language's without a marker
	markers     []string // files whose presence in a folder proves the language
	mainFiles   []string // files of a folder to build, best first; empty: the folder is built
	shrinks     bool     // wasm-opt makes its output smaller; for Go it takes half a minute and gains little
	build       func(ctx context.Context, b *builder) error
}

// Languages are the supported languages, in the order of lists.
var Languages = []*Language{
	{
		Name: "typescript", Aliases: []string{"ts"}, Title: "TypeScript", SDK: "js",
		files: []string{"*.ts", "*.mts"}, markers: []string{"tsconfig.json"},
		mainFiles: []string{"main.ts", "index.ts", "src/main.ts", "src/index.ts"},
		build:     buildScript,
	},
	{
		Name: "javascript", Aliases: []string{"js"}, Title: "JavaScript", SDK: "js",
		files:     []string{"*.js", "*.mjs"},
		mainFiles: []string{"main.js", "index.js", "main.mjs", "src/main.js", "src/index.js"},
		build:     buildScript,
	},
	{
		Name: "go", Aliases: []string{"golang"}, Title: "Go", SDK: "go", Tools: []Tool{goTool},
		files: []string{"*.go"}, markers: []string{"go.mod"},
		build: buildGo,
	},
	{
		Name: "tinygo", Title: "TinyGo", SDK: "go", Tools: []Tool{goTool, tinyGoTool},
		sharedFiles: []string{"*.go"}, markers: []string{"tinygo.json"},
		shrinks: true, build: buildTinyGo,
	},
	{
		Name: "rust", Aliases: []string{"rs"}, Title: "Rust", SDK: "rust", Tools: []Tool{cargoTool, rustTarget},
		files: []string{"*.rs"}, markers: []string{"Cargo.toml"},
		shrinks: true, build: buildRust,
	},
	{
		Name: "c", Title: "C", SDK: "c", Tools: []Tool{clangTool, lldTool},
		files: []string{"*.c"}, mainFiles: []string{"main.c", "src/main.c"},
		shrinks: true, build: buildC,
	},
	{
		Name: "cpp", Aliases: []string{"c++", "cxx"}, Title: "C++", SDK: "c", Tools: []Tool{clangTool, lldTool},
		files: []string{"*.cpp", "*.cc"}, mainFiles: []string{"main.cpp", "src/main.cpp"},
		shrinks: true, build: buildC,
	},
	{
		Name: "zig", Title: "Zig", SDK: "zig", Tools: []Tool{zigTool},
		files: []string{"*.zig"}, mainFiles: []string{"main.zig", "src/main.zig"},
		build: buildZig,
	},
	{
		Name: "assemblyscript", Aliases: []string{"as"}, Title: "AssemblyScript", SDK: "assemblyscript",
		Tools: []Tool{ascTool}, sharedFiles: []string{"*.ts"},
		markers:   []string{"asconfig.json", "node_modules/assemblyscript"},
		mainFiles: []string{"main.ts", "index.ts", "assembly/index.ts"},
		build:     buildAssemblyScript,
	},
	{
		Name: "wat", Title: "WebAssembly text", SDK: "wat", Tools: []Tool{watTool},
		files: []string{"*.wat"}, mainFiles: []string{"main.wat"},
		build: buildWAT,
	},
}

// ByName returns the language with a name or an alias, which is case-insensitive.
func ByName(name string) (lang *Language, ok bool) {
	name = strings.ToLower(name)
	for _, l := range Languages {
		if l.Name == name || slices.Contains(l.Aliases, name) {
			return l, true
		}
	}
	return nil, false
}

// Names returns the names of all languages.
func Names() []string {
	var out []string
	for _, l := range Languages {
		out = append(out, l.Name)
	}
	return out
}

// owns reports whether a file is a source of the language, and of no other.
func (l *Language) owns(file string) bool { return matchesAny(l.files, file) }

// accepts reports whether a file can be a source of the language.
func (l *Language) accepts(file string) bool { return l.owns(file) || matchesAny(l.sharedFiles, file) }

// matchesAny reports whether a file matches one of the patterns, and is neither a declaration file nor a Go test.
func matchesAny(patterns []string, file string) bool {
	if isDeclaration(file) || strings.HasSuffix(file, "_test.go") {
		return false
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := filepath.Match(pattern, filepath.Base(file))
		return ok
	})
}

// isDeclaration reports whether a file has only types of TypeScript.
func isDeclaration(file string) bool { return strings.HasSuffix(file, ".d.ts") }

// Missing returns the tools of the language that are not found.
func (l *Language) Missing(env []string) []Tool {
	var out []Tool
	for _, t := range l.Tools {
		if _, ok := t.find(env, "."); !ok {
			out = append(out, t)
		}
	}
	return out
}
