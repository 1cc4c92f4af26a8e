package main

import (
	"fmt"
	"os"
	"strings"
)

// The marks around the list of floors in a page.
const (
	begin = "<!-- make graph-doc writes from here -->\n"
	end   = "<!-- to here -->"
)

// describe returns the list of floors as a block of Markdown.
func describe() string {
	var b strings.Builder
	b.WriteString("```text\n")
	for i, f := range floors {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", f.name)
		for _, p := range f.packages {
			fmt.Fprintf(&b, "  %-40s %s\n", p.path, p.does)
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// split returns a page's text before, between and after the marks.
func split(file string) (before, between, after string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", "", "", err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	between, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", "", "", fmt.Errorf("%s has no marks %q and %q", file, begin, end)
	}
	return before, between, after, nil
}

// compare returns an error unless a page has the list of floors.
func compare(file string) error {
	_, between, _, err := split(file)
	if err == nil && between != describe() {
		err = fmt.Errorf("%s has another list of floors: make graph-doc writes it", file)
	}
	return err
}

// write replaces the list of floors in a page.
func write(file string) error {
	before, _, after, err := split(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(before+begin+describe()+end+after), 0o666)
}
