package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is a mistake in a configuration.
type Problem struct {
	// Where is "file:line", the name of a variable, a flag, or empty.
	Where string
	// Route is the path of the route that has the mistake. It is empty for a top-level key.
	Route string
	// Text names the key and says how to correct it.
	Text string

	order int // origin.order
}

func (p Problem) Error() string {
	if p.Where == "" {
		return p.Text
	}
	return p.Where + ": " + p.Text
}

// Problems lists mistakes in the order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// HasRoute reports whether one of the problems is in the route at path.
func (ps Problems) HasRoute(path string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Route == path })
}

// HasKey reports whether one of the problems is in a top-level key or the block below it.
func (ps Problems) HasKey(key string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool {
		return p.Route == "" && strings.HasPrefix(p.Text, key)
	})
}

// sorted returns ps in the order of the file, or nil if ps is empty.
func (ps Problems) sorted() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.order, b.order) })
	return ps
}

// origin is the place where a key was set.
type origin struct {
	file string
	line int    // in file, from 1
	name string // name of a variable or a flag
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

// order returns a number to sort by: lines first, then variables and flags, then origins without a place.
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
