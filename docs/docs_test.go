package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// columns is the width of prose. Tables, code and single long words may be wider.
const columns = 100

// pages returns the Markdown files of the repository, without those of
// dependencies and builds.
func pages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"bench", "clients", "deploy", "docs", "plugins", "sdk", "testplugins"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "target"):
				return filepath.SkipDir
			case strings.HasSuffix(path, ".md"):
				pages = append(pages, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pages
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// TestLinks: every relative link leads to a file, and to a heading where it names
// one.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		text := code.ReplaceAllString(fence.ReplaceAllString(read(t, page), ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if u.IsAbs() {
				continue
			}
			target := page
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(page), u.Path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, m[1])
			} else if u.Fragment != "" && !anchors(read(t, target))[u.Fragment] {
				t.Errorf("%s links to %s: no such heading", page, m[1])
			}
		}
	}
}

// anchors returns the names that GitHub gives to the headings of a page.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		names[name] = true
	}
	return names
}

// TestWidth: prose fits the columns.
func TestWidth(t *testing.T) {
	for _, page := range pages(t) {
		inFence := false
		n := 0
		for line := range strings.Lines(read(t, page)) {
			n++
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				inFence = !inFence
			}
			words := len(strings.Fields(line))
			if inFence || words < 3 || strings.HasPrefix(line, "    ") || strings.HasPrefix(strings.TrimSpace(line), "|") {
				continue
			}
			if w := utf8.RuneCountInString(line); w > columns {
				t.Errorf("%s:%d has %d columns, more than %d", page, n, w, columns)
			}
		}
	}
}

// sourceFile is a path of a Go file in backquotes. An asterisk stands for any text.
var sourceFile = regexp.MustCompile("`([\\w/.*-]+/[\\w.*-]+\\.go)`")

// TestSourceFiles: every Go file that a page names exists. A path may leave out
// the folders in front of a package.
func TestSourceFiles(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range sourceFile.FindAllStringSubmatch(read(t, page), -1) {
			found := false
			for _, folder := range []string{"..", "../host", "../host/internal"} {
				files, err := filepath.Glob(filepath.Join(folder, m[1]))
				found = found || err == nil && len(files) > 0
			}
			if !found {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
}

// TestHostFiles: docs/ARCHITECTURE.md names each Go file of package host.
func TestHostFiles(t *testing.T) {
	page := read(t, "ARCHITECTURE.md")
	files, err := filepath.Glob("../host/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || name == "doc.go" || strings.HasPrefix(name, "call_") {
			continue
		}
		if !strings.Contains(page, "`host/"+name+"`") {
			t.Errorf("ARCHITECTURE.md does not name host/%s", name)
		}
	}
}

// packagePath is a path of a package in backquotes, without an extension.
var packagePath = regexp.MustCompile("`((?:cmd|host|internal|plugins|sdk|testplugins)/[\\w/]+)/?`")

// TestPackages: every package that docs/ARCHITECTURE.md names exists.
func TestPackages(t *testing.T) {
	for _, m := range packagePath.FindAllStringSubmatch(read(t, "ARCHITECTURE.md"), -1) {
		if info, err := os.Stat(filepath.Join("..", m[1])); err != nil || !info.IsDir() {
			t.Errorf("ARCHITECTURE.md names the package %s, which does not exist", m[1])
		}
	}
}

// qualified is an identifier in backquotes with the package or the type in front of it.
var qualified = regexp.MustCompile("`(\\w+)\\.(\\w+)`")

// TestIdentifiers: every identifier that docs/ARCHITECTURE.md names with its package or
// its type is declared in the host.
func TestIdentifiers(t *testing.T) {
	files, err := filepath.Glob("../host/*.go")
	if err != nil {
		t.Fatal(err)
	}
	internal, err := filepath.Glob("../host/internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, file := range append(files, internal...) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		declare(declared, f)
	}
	for _, m := range qualified.FindAllStringSubmatch(read(t, "ARCHITECTURE.md"), -1) {
		if ext := m[2]; ext != "go" && ext != "md" && ext != "yaml" && !isKey(m[1]) && !declared[m[1]+"."+m[2]] {
			t.Errorf("ARCHITECTURE.md names %s.%s, which is not declared", m[1], m[2])
		}
	}
}

// isKey reports whether a name begins a key of the configuration.
func isKey(name string) bool { return name == "limits" || name == "auth" || name == "broker" }

// declare records the types of a file, as package.Type, with their fields and methods,
// as Type.name.
func declare(declared map[string]bool, f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil {
				declared[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				spec, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				declared[f.Name.Name+"."+spec.Name.Name] = true
				if fields, ok := spec.Type.(*ast.StructType); ok {
					for _, field := range fields.Fields.List {
						for _, name := range field.Names {
							declared[spec.Name.Name+"."+name.Name] = true
						}
					}
				}
			}
		}
	}
}

// receiver returns the name of a receiver's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// term is the first cell of a row of a table.
var term = regexp.MustCompile(`(?m)^\| ([^|]+?) \|`)

// TestGlossary: docs/GLOSSARY.md has few terms, and the comments or names of the host use each.
func TestGlossary(t *testing.T) {
	var code strings.Builder
	err := filepath.WalkDir("../host", func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			code.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.ToLower(code.String())
	terms := term.FindAllStringSubmatch(read(t, "GLOSSARY.md"), -1)
	if n := len(terms) - 1; n > 25 { // without the heading
		t.Errorf("GLOSSARY.md has %d terms, want at most 25: use words with the meaning of the field", n)
	}
	for _, m := range terms {
		if m[1] != "term" && !strings.Contains(all, strings.ToLower(m[1])) {
			t.Errorf("GLOSSARY.md has %q, which the host does not use", m[1])
		}
	}
}

// TestFirstPlugin builds the plugin in Go that README.md shows.
func TestFirstPlugin(t *testing.T) {
	_, text, ok := strings.Cut(read(t, "../README.md"), "```go\npackage main")
	text, _, closed := strings.Cut(text, "```")
	if !ok || !closed {
		t.Fatal("README.md has no plugin in Go")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte("package main"+text), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", filepath.Join(dir, "shout.wasm"), file)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
