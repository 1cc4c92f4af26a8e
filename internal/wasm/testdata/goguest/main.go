//go:build wasip1

// A guest for tests: it parses JSON, sorts, and calls itself.
package main

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"sort"
)

type message struct {
	Type string            `json:"type"`
	Room string            `json:"room"`
	To   []string          `json:"to"`
	Body map[string]any    `json:"body"`
	Tags map[string]string `json:"tags"`
}

const text = `{"type":"message","room":"lobby","to":["ann","bob","eve"],` +
	`"body":{"text":"Hello, world! \u00e4\u00f6","n":12345.678,"ok":true,"list":[1,2,3,null]},"tags":{"a":"b","c":"d"}}`

//go:wasmexport parse
func parse(n int32) int32 {
	var sum uint32
	for i := range n {
		var m message
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			panic(err)
		}
		m.Room = fmt.Sprint("room", i)
		out, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		sum = crc32.Update(sum, crc32.IEEETable, out)
	}
	return int32(sum)
}

//go:wasmexport sorted
func sorted(n int32) int32 {
	v := make([]int, n)
	x := uint32(1)
	for i := range v {
		x = x*1664525 + 1013904223
		v[i] = int(x >> 8)
	}
	sort.Ints(v)
	var sum uint32
	for i, e := range v {
		sum = sum*31 + uint32(e^i)
	}
	return int32(sum)
}

//go:wasmexport fib
func fib(n int32) int32 {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:wasmexport deep
func deep(n int32) int32 {
	if n == 0 {
		return 0
	}
	return deep(n-1) + 1
}

func main() {}
