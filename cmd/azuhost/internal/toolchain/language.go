package toolchain

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
)

// Language is one that plugins are written in.
type Language struct {
	Name    string // as in azuhost new
	Aliases []string
	Title   string
	Tools   []Tool
	// SDK is the folder of the SDK in sdk/. Empty: it has none.
	SDK string

	files   []string // patterns that tell it
	shared  []string // patterns that are another language's, unless a mark tells
	marks   []string // files of a folder that tell it for sure
	mains   []string // files of a folder to build, best first; empty: the folder is built
	shrinks bool     // wasm-opt makes its output smaller; Go's takes it half a minute for little
	build   func(ctx context.Context, b *builder) error
}

// Languages are all, in the order of lists.
var Languages = []*Language{
	{Name: "typescript", Aliases: []string{"ts"}, Title: "TypeScript", SDK: "js", files: []string{"*.ts", "*.mts"}, marks: []string{"tsconfig.json"},
		mains: []string{"main.ts", "index.ts", "src/main.ts", "src/index.ts"}, build: buildScript},
	{Name: "javascript", Aliases: []string{"js"}, Title: "JavaScript", SDK: "js", files: []string{"*.js", "*.mjs"},
		mains: []string{"main.js", "index.js", "main.mjs", "src/main.js", "src/index.js"}, build: buildScript},
	{Name: "go", Aliases: []string{"golang"}, Title: "Go", SDK: "go", Tools: []Tool{goTool}, files: []string{"*.go"}, marks: []string{"go.mod"}, build: buildGo},
	{Name: "tinygo", Title: "TinyGo", SDK: "go", Tools: []Tool{goTool, tinyGoTool}, shared: []string{"*.go"}, marks: []string{"tinygo.json"}, shrinks: true, build: buildTinyGo},
	{Name: "rust", Aliases: []string{"rs"}, Title: "Rust", SDK: "rust", Tools: []Tool{cargoTool, rustTarget}, files: []string{"*.rs"}, marks: []string{"Cargo.toml"}, shrinks: true, build: buildRust},
	{Name: "c", Title: "C", SDK: "c", Tools: []Tool{clangTool, lldTool}, files: []string{"*.c"}, mains: []string{"main.c", "src/main.c"}, shrinks: true, build: buildC},
	{Name: "cpp", Aliases: []string{"c++", "cxx"}, Title: "C++", SDK: "c", Tools: []Tool{clangTool, lldTool}, files: []string{"*.cpp", "*.cc"},
		mains: []string{"main.cpp", "src/main.cpp"}, shrinks: true, build: buildC},
	{Name: "zig", Title: "Zig", SDK: "zig", Tools: []Tool{zigTool}, files: []string{"*.zig"}, mains: []string{"main.zig", "src/main.zig"}, build: buildZig},
	{Name: "assemblyscript", Aliases: []string{"as"}, Title: "AssemblyScript", SDK: "assemblyscript", Tools: []Tool{ascTool}, shared: []string{"*.ts"}, marks: []string{"asconfig.json", "node_modules/assemblyscript"},
		mains: []string{"main.ts", "index.ts", "assembly/index.ts"}, build: buildAssemblyScript},
	{Name: "wat", Title: "WebAssembly text", SDK: "wat", Tools: []Tool{watTool}, files: []string{"*.wat"}, mains: []string{"main.wat"}, build: buildWAT},
}

// ByName finds a language by its name or an alias.
func ByName(name string) (*Language, bool) {
	name = strings.ToLower(name)
	for _, l := range Languages {
		if l.Name == name || slices.Contains(l.Aliases, name) {
			return l, true
		}
	}
	return nil, false
}

// Names are the names of all languages.
func Names() []string {
	var out []string
	for _, l := range Languages {
		out = append(out, l.Name)
	}
	return out
}

// has says whether a file is one of the language, and of no other.
func (l *Language) has(file string) bool { return matches(l.files, file) }

// may says whether a file can be one of the language.
func (l *Language) may(file string) bool { return l.has(file) || matches(l.shared, file) }

func matches(patterns []string, file string) bool {
	for _, pattern := range patterns {
		if ok, _ := filepath.Match(pattern, filepath.Base(file)); ok && !isDeclaration(file) && !strings.HasSuffix(file, "_test.go") {
			return true
		}
	}
	return false
}

// isDeclaration: types of TypeScript, which are no code.
func isDeclaration(file string) bool { return strings.HasSuffix(file, ".d.ts") }

// Missing lists the tools that are not found here.
func (l *Language) Missing(env []string) []Tool {
	var out []Tool
	for _, t := range l.Tools {
		if _, ok := t.find(env, "."); !ok {
			out = append(out, t)
		}
	}
	return out
}
