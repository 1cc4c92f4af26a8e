package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// A graph is the imports within the module: by package, the packages it imports.
// Paths are within the module.
type graph map[string][]string

// list returns the graph of the packages that the go command finds in the
// working folder, without the imports of tests.
func list() (graph, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.String())
	}
	g := graph{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := within(words[0])
		g[from] = nil
		for _, w := range words[1:] {
			if strings.HasPrefix(w, module+"/") {
				g[from] = append(g[from], within(w))
			}
		}
	}
	return g, nil
}

func within(path string) string { return strings.TrimPrefix(path, module+"/") }

// matches reports whether a package is in what an entry of floors names.
func matches(pattern, path string) bool {
	tree, ok := strings.CutSuffix(pattern, "/...")
	if !ok {
		return pattern == path
	}
	return path == tree || strings.HasPrefix(path, tree+"/")
}

// floorOf returns the index of a package's floor and the entry that names it, or -1.
func floorOf(path string) (at int, entry string) {
	at = -1
	for i, f := range floors {
		for _, p := range f.packages {
			if matches(p.path, path) && len(p.path) > len(entry) {
				at, entry = i, p.path
			}
		}
	}
	return at, entry
}

// check returns what is wrong with a graph, sorted.
func check(g graph) (wrong []string) {
	used := map[string]bool{}
	for from, imports := range g {
		at, entry := floorOf(from)
		if at < 0 {
			wrong = append(wrong, fmt.Sprintf("%s is on no floor: add it to floors, in internal/importgraph/floors.go", from))
			continue
		}
		used[entry] = true
		for _, to := range imports {
			if reason := forbidden(from, to); reason != "" {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", from, to, reason))
			}
		}
	}
	for _, f := range floors {
		for _, p := range f.packages {
			if !used[p.path] {
				wrong = append(
					wrong,
					fmt.Sprintf("there is no package %s: take it out of floors, in internal/importgraph/floors.go", p.path),
				)
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// forbidden returns why a package may not import another, or "".
func forbidden(from, to string) string {
	for _, pair := range apart {
		if matches(pair[0], from) && matches(pair[1], to) || matches(pair[1], from) && matches(pair[0], to) {
			return fmt.Sprintf("%s and %s do not know each other", pair[0], pair[1])
		}
	}
	at, entry := floorOf(from)
	below, other := floorOf(to)
	switch {
	case below < 0: // reported as a package without a floor
		return ""
	case entry == other:
		return ""
	case below == len(floors)-1:
		return "it is for tests only"
	case below < at:
		return fmt.Sprintf("the import points up, from floor %q to %q", floors[at].name, floors[below].name)
	case below == at && !floors[at].sideways:
		return fmt.Sprintf("both are on floor %q", floors[at].name)
	}
	return ""
}
