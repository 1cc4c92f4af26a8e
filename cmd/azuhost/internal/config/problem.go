package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Where is "file:line", the name of a variable or a flag, or empty.
	Where string
	// Route is the path of the route that it is about, if it is about one.
	Route string
	Text  string

	order int // lines of the file first, then variables, then flags
}

func (p Problem) Error() string {
	if p.Where == "" {
		return p.Text
	}
	return p.Where + ": " + p.Text
}

// Problems are all the things that are wrong, in the order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Concerns says whether one of ps is about the route at path.
func (ps Problems) Concerns(path string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Route == path })
}

// About says whether one of ps is about a top-level key or what is below it.
func (ps Problems) About(key string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool {
		return p.Route == "" && strings.HasPrefix(p.Text, key)
	})
}

// sorted returns ps in order, or nil where there is none.
func (ps Problems) sorted() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.order, b.order) })
	return ps
}

// origin is the place that a value was set at.
type origin struct {
	file string
	line int    // in file
	name string // of a variable or flag
}

func (o origin) String() string {
	switch {
	case o.name != "":
		return o.name
	case o.line > 0:
		return o.file + ":" + strconv.Itoa(o.line)
	}
	return o.file
}

// order sorts lines before variables and flags, and what has no place last.
func (o origin) order() int {
	const after = 1 << 30
	switch {
	case o.line > 0:
		return o.line
	case o.name != "":
		return after
	}
	return after + 1
}
