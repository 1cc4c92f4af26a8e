package azu

import (
	"strings"
	"unsafe"
)

// scratch is the buffer that getters write to.
var scratch = make([]byte, 1<<10)

// fetch gives what a getter has, asking it again with a larger buffer if it
// says so. The result is valid until the next fetch. Callers copy it: a buffer
// handed in by them could not stay on their stack.
func fetch(get func(buf *byte, size uint32) int32) ([]byte, error) {
	for {
		n := int(get(unsafe.SliceData(scratch), uint32(len(scratch))))
		if n < 0 {
			return nil, Errno(n)
		}
		if n <= len(scratch) {
			return scratch[:n], nil
		}
		scratch = make([]byte, max(n, 2*len(scratch)))
	}
}

// fetchString is fetch for a string, empty on errors.
func fetchString(get func(buf *byte, size uint32) int32) (string, error) {
	b, err := fetch(get)
	return string(b), err
}

// lines makes a list of the names that the host gave, one a line.
func lines[S ~string](s string) []S {
	if s == "" {
		return nil
	}
	list := make([]S, 0, strings.Count(s, "\n")+1)
	for {
		name, rest, more := strings.Cut(s, "\n")
		list = append(list, S(name))
		if !more {
			return list
		}
		s = rest
	}
}
