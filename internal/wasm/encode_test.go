package wasm_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"

	"github.com/azuhost/azuhost/internal/wasm"
)

func TestAppendNumbers(t *testing.T) {
	for _, v := range []uint32{0, 1, 127, 128, 300, 1 << 21, math.MaxUint32} {
		if got, want := wasm.AppendU32(nil, v), binary.AppendUvarint(nil, uint64(v)); !bytes.Equal(got, want) {
			t.Errorf("%d: % x, want % x", v, got, want)
		}
	}
	for want, v := range map[string]int64{
		"\x00": 0, "\x3f": 63, "\xc0\x00": 64, "\x7f": -1, "\x40": -64, "\xbf\x7f": -65,
		"\x80\x80\x80\x80\x78": math.MinInt32, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00": math.MaxInt64,
	} {
		if got := wasm.AppendSigned(nil, v); string(got) != want {
			t.Errorf("%d: % x, want % x", v, got, want)
		}
	}
}

func TestAppendParts(t *testing.T) {
	for want, got := range map[string][]byte{
		"x\x02\xc3\xa9": wasm.AppendName([]byte("x"), "é"),
		"x\x03abc":      wasm.AppendSized([]byte("x"), []byte("abc")),
		"x\x0a\x01\x00": wasm.AppendSection([]byte("x"), wasm.CodeSection, []byte{0}),
		"x\x60\x02\x7e\x7c\x01\x7f": wasm.AppendFuncType([]byte("x"), wasm.FuncType{
			Params: []wasm.ValueType{wasm.I64, wasm.F64}, Results: []wasm.ValueType{wasm.I32},
		}),
		"x\x01ab":    wasm.AppendVector([]byte("x"), nil, 1, []byte("ab")),
		"x\x03abcde": wasm.AppendVector([]byte("x"), []byte("\x01ab"), 2, []byte("cde")),
	} {
		if string(got) != want {
			t.Errorf("% x, want % x", got, want)
		}
	}
}

func TestFuncTypeEqual(t *testing.T) {
	a := wasm.FuncType{Params: []wasm.ValueType{wasm.I32}}
	b := wasm.FuncType{Results: []wasm.ValueType{wasm.I32}}
	if !a.Equal(a) || a.Equal(b) || !(wasm.FuncType{}).Equal(wasm.FuncType{Params: []wasm.ValueType{}}) {
		t.Error("Equal is wrong")
	}
}

func TestSection(t *testing.T) {
	in := module(sec(0, "\x01x"), sec(1, "\x01\x60\x00\x00"), sec(5, "\x01\x00\x01"))
	m := scan(t, in)
	if got := m.Section(in, wasm.MemorySection); string(got) != "\x01\x00\x01" {
		t.Errorf("the memory section is % x", got)
	}
	for _, id := range []wasm.SectionID{wasm.CustomSection, wasm.CodeSection} {
		if got := m.Section(in, id); got != nil {
			t.Errorf("section %d is % x, want none", id, got)
		}
	}
}

// TestAppendMapped copies sections with mapped indexes of functions. Mapping them back gives the same section.
func TestAppendMapped(t *testing.T) {
	in := readFile(t, filepath.Join("testdata", "constructs.wasm"))
	m := scan(t, in)
	up := func(f uint32) uint32 { return f + 1000 }
	down := func(f uint32) uint32 { return f - 1000 }
	type appender = func(b, body []byte, n int, items []byte, index func(uint32) uint32) ([]byte, error)
	for id, appendTo := range map[wasm.SectionID]appender{
		wasm.GlobalSection:  wasm.AppendGlobals,
		wasm.ElementSection: wasm.AppendElements,
		wasm.CodeSection:    wasm.AppendCode,
	} {
		body := m.Section(in, id)
		same, err := appendTo(nil, body, 0, nil, func(f uint32) uint32 { return f })
		if err != nil || !bytes.Equal(same, body) {
			t.Errorf("section %d: a copy differs: %v", id, err)
		}
		mapped, err := appendTo(nil, body, 0, nil, up)
		if err != nil || bytes.Equal(mapped, body) {
			t.Errorf("section %d: nothing is mapped: %v", id, err)
		}
		if back, err := appendTo(nil, mapped, 0, nil, down); err != nil || !bytes.Equal(back, body) {
			t.Errorf("section %d: mapped back it differs: %v", id, err)
		}
		more, err := appendTo([]byte("x"), body, 2, []byte("items"), up)
		if err != nil || more[1] != body[0]+2 || !bytes.HasSuffix(more, []byte("items")) {
			t.Errorf("section %d with two items: %v", id, err)
		}
	}
}
