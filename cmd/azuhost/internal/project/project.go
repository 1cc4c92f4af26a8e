// Package project makes new projects: a channel in a language, a scenario that
// tests it, the files that its tools want, and the SDK.
package project

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
	"github.com/azuhost/azuhost/sdk"
)

// templates has a folder for each language, and one for all. NAME in a file's
// name is that of the project.
//
//go:embed all:template
var templates embed.FS

// names are what a folder, a module, a route and a crate can be called.
var names = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// values are what templates know.
type values struct {
	Name   string
	Title  string           // of the language
	Needs  []toolchain.Tool // of the language
	First  string           // a command to run once
	Readme string           // of the SDK, in the folder azuhost

	Check, CheckDoes string // what the language itself has for tests
}

// checks are commands of the languages' own, and what they do.
var checks = map[string][2]string{
	"typescript": {"npx -p typescript tsc", "checks the types"},
	"javascript": {"npx -p typescript tsc -p jsconfig.json", "checks the types"},
	"go":         {"go test", "runs the channel without WebAssembly"},
	"tinygo":     {"go test", "runs the channel without WebAssembly"},
	"rust":       {"cargo test", "runs the channel without WebAssembly"},
}

// New makes the project name in the folder dir, which must not be there, or be
// empty. It returns the files that are the project's own.
func New(lang *toolchain.Language, name, dir string) (files []string, err error) {
	if !names.MatchString(name) {
		return nil, fmt.Errorf("%q can not be the name of a project: want a small letter, then small letters, digits, - and _", name)
	}
	if lang.Name == "rust" && name == "azuhost" {
		return nil, fmt.Errorf("%q can not be the name of a project in Rust: the SDK's crate has it; give the folder another name", name)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is there, and is not empty", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	v := values{Name: name, Title: lang.Title, Needs: lang.Tools, Readme: "/README.md", Check: checks[lang.Name][0], CheckDoes: checks[lang.Name][1]}
	if lang.Name == "assemblyscript" {
		v.First = "npm install"
	}
	if lang.SDK == "go" {
		v.Readme = "/sdk/go/README.md"
	}
	for _, from := range []string{"common", lang.Name} {
		made, err := fill(path.Join("template", from), dir, v)
		if err != nil {
			return nil, err
		}
		files = append(files, made...)
	}
	return files, copySDK(lang, filepath.Join(dir, "azuhost"))
}

// fill writes the templates of a folder.
func fill(from, dir string, v values) (files []string, err error) {
	err = fs.WalkDir(templates, from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates, name)
		if err != nil {
			return err
		}
		t, err := template.New(name).Parse(string(text))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, v); err != nil {
			return err
		}
		rel := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(name, from+"/"), ".tmpl"), "NAME", v.Name)
		files = append(files, rel)
		return write(filepath.Join(dir, filepath.FromSlash(rel)), out.Bytes())
	})
	return files, err
}

func write(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o666)
}

// copySDK copies the SDK of the language. Go's keeps its place in its module,
// which the project replaces with this copy.
func copySDK(lang *toolchain.Language, dir string) error {
	to := dir
	if lang.SDK == "go" {
		to = filepath.Join(dir, "sdk", "go")
	}
	err := fs.WalkDir(sdk.Files, lang.SDK, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "testdata" || base == "examples" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, "_test.go") || lang.SDK == "js" && d.Name() == "tsconfig.json" {
			return nil
		}
		data, err := fs.ReadFile(sdk.Files, name)
		if err != nil {
			return err
		}
		return write(filepath.Join(to, filepath.FromSlash(strings.TrimPrefix(name, lang.SDK+"/"))), data)
	})
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(sdk.Files, "ABI.md")
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, "ABI.md"), data)
}
