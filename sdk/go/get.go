package azu

import (
	"strings"
	"unsafe"
)

// scratch is the buffer to which getters write.
var scratch = make([]byte, 1<<10)

// fetch returns the data of a getter. It calls the getter again if the buffer was too small. The data is valid until
// the next fetch, so callers copy it. It does not take a buffer of the caller, which the compiler would move to the
// heap.
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

// fetchString is fetch for a string. The string is empty if there is an error.
func fetchString(get func(buf *byte, size uint32) int32) (string, error) {
	b, err := fetch(get)
	return string(b), err
}

// lines splits a list of names from the host, which has one name a line.
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
