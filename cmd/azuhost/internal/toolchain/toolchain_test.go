package toolchain_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// TestMissing: the error of a missing tool has its name and a hint, in each language that needs tools.
func TestMissing(t *testing.T) {
	files := map[string]string{
		"go": "main.go", "tinygo": "main.go", "rust": "src/lib.rs", "c": "main.c", "cpp": "main.cpp",
		"zig": "main.zig", "assemblyscript": "main.ts", "wat": "main.wat",
	}
	env := []string{"PATH=" + t.TempDir()}
	for _, l := range toolchain.Languages {
		if len(l.Tools) == 0 {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, files[l.Name]), "")
			_, err := toolchain.Build(t.Context(), dir, toolchain.Options{Language: l.Name, Env: env})
			var missing *toolchain.MissingToolError
			if !errors.As(err, &missing) || missing.Tool.Hint == "" || !strings.Contains(err.Error(), missing.Tool.Hint) {
				t.Fatalf("%v", err)
			}
			if missing.Tool.Name != l.Tools[0].Name {
				t.Errorf("%q is missing, want %q first", missing.Tool.Name, l.Tools[0].Name)
			}
		})
	}
}

// TestTypeScriptOrAssembly: the imports of a file tell TypeScript from AssemblyScript.
func TestTypeScriptOrAssembly(t *testing.T) {
	env := []string{"PATH=" + t.TempDir()}
	for _, c := range []struct {
		text, beside string
		assembly     bool
	}{
		{`import { register } from "./azuhost/assembly";`, "", true},
		{`import { register } from "./azuhost/assembly";`, "tsconfig.json", true},
		{`export * from '../azuhost/assembly/hooks'`, "", true},
		{`import { room } from "azuhost";`, "node_modules/assemblyscript/package.json", false},
		{"", "node_modules/assemblyscript/package.json", true},
		{`import { x } from "./assembly";`, "", false},
	} {
		dir := filepath.Join(t.TempDir(), "shout")
		write(t, filepath.Join(dir, "shout.ts"), c.text)
		if c.beside != "" {
			write(t, filepath.Join(dir, c.beside), "{}")
		}
		for _, path := range []string{dir, filepath.Join(dir, "shout.ts")} {
			_, err := toolchain.Build(t.Context(), path, toolchain.Options{Env: env, Runtime: script.Runtime{File: "none"}})
			if missing := (*toolchain.MissingToolError)(nil); errors.As(err, &missing) != c.assembly {
				t.Errorf("%s beside %s, %s: %v", c.text, c.beside, filepath.Base(path), err)
			}
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLanguageByFiles checks the language through the error of its missing tools.
func TestLanguageByFiles(t *testing.T) {
	env := []string{"PATH=" + t.TempDir()}
	for _, c := range []struct {
		files []string
		path  string
		want  string // in the error
	}{
		{[]string{"main.go", "go.mod"}, ".", "Go needs"},
		{[]string{"main.go", "go.mod", "web/app.ts"}, ".", "Go needs"},
		{[]string{"main.go", "go.mod", "tinygo.json"}, "main.go", "TinyGo needs"},
		{[]string{"Cargo.toml", "src/lib.rs"}, ".", "Rust needs"},
		{[]string{"Cargo.toml", "src/lib.rs"}, "src/lib.rs", "Rust needs"},
		{[]string{"asconfig.json", "assembly/index.ts"}, ".", "AssemblyScript needs"},
		{[]string{"asconfig.json", "echo.ts"}, "echo.ts", "AssemblyScript needs"},
		{[]string{"echo.c", "azuhost.h"}, ".", "C needs"},
		{[]string{"src/main.zig", "src/more.zig"}, ".", "Zig needs"},
		{[]string{"one.c", "two.c"}, ".", "2 files in C"},
		{[]string{"shop/shop.c", "shop/util.c"}, "shop", "C needs"},
		{[]string{"shop/shop.c", "shop/util.zig"}, "shop", "C needs"},
		{[]string{"shop/asconfig.json", "shop/shop.ts", "shop/util.ts"}, "shop", "AssemblyScript needs"},
		{[]string{"contest.c"}, ".", "C needs"},
		{[]string{"test/test.c", "test/more.c"}, "test", "C needs"},
		{[]string{"one.c", "one_test.c", "two.test.c", "test.c"}, ".", "C needs"},
		{[]string{"one.c", "two.zig"}, ".", "sources in C and Zig"},
		{[]string{"notes.md"}, ".", "no sources of a supported language"},
		{[]string{"notes.md"}, "notes.md", "no language has such files"},
		{[]string{"types.d.ts"}, ".", "no sources of a supported language"},
	} {
		dir := t.TempDir()
		for _, f := range c.files {
			write(t, filepath.Join(dir, f), "")
		}
		_, err := toolchain.Build(t.Context(), filepath.Join(dir, c.path), toolchain.Options{Env: env})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %s: %v, want %s", c.files, c.path, err, c.want)
		}
	}
}

func TestLocate(t *testing.T) {
	root := t.TempDir()
	for _, f := range []string{
		"game/go.mod", "game/main.go", "shop/src/main.ts", "shop/src/chat.ts", "a/index.js",
		"crate/Cargo.toml", "crate/src/lib.rs", "crate/src/more/own.rs",
	} {
		write(t, filepath.Join(root, f), "")
	}
	for _, c := range []struct {
		path, dir, project, name, out string
		recursive                     bool
	}{
		{"game", "game", "game", "game", "game/game.wasm", true},
		{"game/main.go", "game", "game", "game", "game/game.wasm", true},
		{"shop/src/main.ts", "shop/src", "shop", "shop", "shop/shop.wasm", false},
		{"shop/src/chat.ts", "shop/src", "shop", "chat", "shop/src/chat.wasm", false},
		{"a/index.js", "a", "a", "a", "a/index.wasm", false},
		{"crate/src/lib.rs", "crate", "crate", "crate", "crate/crate.wasm", true},
		{"crate/src/more/own.rs", "crate", "crate", "own", "crate/own.wasm", true},
	} {
		l, err := toolchain.Locate(filepath.Join(root, c.path), "")
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if l.Dir != filepath.Join(root, c.dir) || l.ProjectDir != filepath.Join(root, c.project) {
			t.Errorf("%s: %+v", c.path, l)
		}
		if l.Name != c.name || l.Recursive != c.recursive {
			t.Errorf("%s: %+v", c.path, l)
		}
		if !slices.Contains(l.Outputs, filepath.Join(root, c.out)) {
			t.Errorf("%s: %s is not among %s", c.path, c.out, l.Outputs)
		}
	}
}
