// Package project creates new projects: a channel in a language, a scenario that tests it, the files that its tools
// need, and the SDK.
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

// templates holds a folder for each language, and the folder common for all. NAME in the name of a file stands for the
// name of the project.
//
//go:embed all:template
var templates embed.FS

// validName matches names that a folder, a module, a route and a crate may have.
var validName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// templateData is the data of the templates.
type templateData struct {
	Name   string
	Title  string           // name of the language in texts
	Needs  []toolchain.Tool // tools of the language
	First  string           // command to run once, or empty
	Readme string           // path of the SDK's README in the folder azuhost

	Test, TestDoes string // a command that checks the project with the language's own tools, or empty
}

// New creates the project name in the folder dir, which must be empty or not exist. It returns the project's own files,
// with slashes and relative to dir. The files of the SDK are not among them.
func New(lang *toolchain.Language, name, dir string) (files []string, err error) {
	if err := validate(lang, name, dir); err != nil {
		return nil, err
	}
	data := newTemplateData(lang, name)
	for _, from := range []string{"common", lang.Name} {
		written, err := writeTemplates(path.Join("template", from), dir, data)
		if err != nil {
			return nil, err
		}
		files = append(files, written...)
	}
	return files, copySDK(lang, filepath.Join(dir, "azuhost"))
}

// validate reports why a project cannot be created.
func validate(lang *toolchain.Language, name, dir string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q cannot be the name of a project: "+
			"use a lower-case letter, then lower-case letters, digits, - and _", name)
	}
	if lang.Name == "rust" && name == "azuhost" {
		return fmt.Errorf("%q cannot be the name of a project in Rust, because it is the name of the SDK's crate: "+
			"give the folder another name", name)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: name another folder", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

func newTemplateData(lang *toolchain.Language, name string) templateData {
	d := templateData{Name: name, Title: lang.Title, Needs: lang.Tools, Readme: "/README.md"}
	switch lang.Name {
	case "typescript":
		d.Test, d.TestDoes = "npx -p typescript tsc", "checks the types"
	case "javascript":
		d.Test, d.TestDoes = "npx -p typescript tsc -p jsconfig.json", "checks the types"
	case "go", "tinygo":
		d.Test, d.TestDoes = "go test", "runs the channel without WebAssembly"
	case "rust":
		d.Test, d.TestDoes = "cargo test", "runs the channel without WebAssembly"
	case "assemblyscript":
		d.First = "npm install"
	}
	if lang.SDK == "go" {
		d.Readme = "/sdk/go/README.md"
	}
	return d
}

// writeTemplates executes the templates of the folder from and writes them to dir. It returns the names of the files.
func writeTemplates(from, dir string, data templateData) (files []string, err error) {
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
		if err := t.Execute(&out, data); err != nil {
			return err
		}
		rel := strings.TrimSuffix(strings.TrimPrefix(name, from+"/"), ".tmpl")
		rel = strings.ReplaceAll(rel, "NAME", data.Name)
		files = append(files, rel)
		return writeFile(filepath.Join(dir, filepath.FromSlash(rel)), out.Bytes())
	})
	return files, err
}

// writeFile writes a file and creates the folders above it.
func writeFile(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o666)
}

// copySDK copies the SDK of the language to dir. The Go SDK keeps its path in its module, because the go.mod of the
// project replaces the module with this copy.
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
		rel := strings.TrimPrefix(name, lang.SDK+"/")
		return writeFile(filepath.Join(to, filepath.FromSlash(rel)), data)
	})
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(sdk.Files, "ABI.md")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "ABI.md"), data)
}
