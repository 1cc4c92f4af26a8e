// Command importgraph prints which packages of this module import which, by
// floors, and checks that imports point down:
//
//	go run ./internal/importgraph                              # prints the graph
//	go run ./internal/importgraph -check docs/ARCHITECTURE.md  # checks it, and the page's list of floors
//	go run ./internal/importgraph -write docs/ARCHITECTURE.md  # writes the page's list of floors
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	checked := flag.String("check", "", "check the imports, and the list of floors in this page")
	written := flag.String("write", "", "write the list of floors into this page")
	flag.Parse()
	if err := run(os.Stdout, *checked, *written); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(w io.Writer, checked, written string) error {
	if written != "" {
		return write(written)
	}
	g, err := list()
	if err != nil {
		return err
	}
	if checked == "" {
		printGraph(w, g)
		return nil
	}
	if wrong := check(g); len(wrong) > 0 {
		return fmt.Errorf("imports point down, floor by floor (make graph prints them):\n%s", strings.Join(wrong, "\n"))
	}
	return compare(checked)
}

// printGraph writes the packages of a graph by floors, each with its imports.
func printGraph(w io.Writer, g graph) {
	for i, f := range floors {
		fmt.Fprintf(w, "%s\n", f.name)
		for _, path := range sorted(g) {
			if at, _ := floorOf(path); at != i {
				continue
			}
			fmt.Fprintf(w, "  %s\n", path)
			for _, to := range g[path] {
				fmt.Fprintf(w, "    %s\n", to)
			}
		}
	}
}

func sorted(g graph) []string {
	paths := make([]string, 0, len(g))
	for path := range g {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}
