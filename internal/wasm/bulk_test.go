package wasm_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

const bulkText = `(module (memory (export "memory") 1 4)
	(data $d "0123456789abcdef0123456789ABCDEF0123456789abcdef!")
	(data $short "short")
	(func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
	(func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
	(func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
	(func (export "short") (param i32 i32 i32) (memory.init $short (local.get 0) (local.get 1) (local.get 2)))
	(func (export "drop") (param i32 i32 i32) (data.drop $d))
	(func (export "grow") (param i32 i32 i32) (drop (memory.grow (i32.const 1)))))`

// bulkPair is a module and its metered form.
type bulkPair struct{ plain, metered *instance }

func newBulkPair(t *testing.T) bulkPair {
	module := wat(t, bulkText)
	out := meter(t, module, options)
	validate(t, out)
	return bulkPair{mustStart(t, module, 0), mustStart(t, out, 3)}
}

// call calls a function of both modules, and compares the errors and the memories.
func (p bulkPair) call(t *testing.T, name string, a, b, n uint32) {
	t.Helper()
	args := []uint64{uint64(a), uint64(b), uint64(n)}
	_, plain := p.plain.ExportedFunction(name).Call(context.Background(), args...)
	_, metered := p.metered.ExportedFunction(name).Call(context.Background(), args...)
	if (plain == nil) != (metered == nil) || plain != nil && firstLine(plain) != firstLine(metered) {
		t.Fatalf("%s(%d, %d, %d): %v; metered: %v", name, a, b, n, plain, metered)
	}
	if x, y := memoryOf(p.plain), memoryOf(p.metered); !bytes.Equal(x, y) {
		t.Fatalf("%s(%d, %d, %d): the memories differ", name, a, b, n)
	}
}

// firstLine returns an error without its stack trace.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func memoryOf(i *instance) []byte {
	b, _ := i.Memory().Read(0, i.Memory().Size())
	return b
}

// TestBulkInChunks compares chunked instructions of many sizes, positions and overlaps with the original ones: they
// write the same, and trap without writing where the original traps.
func TestBulkInChunks(t *testing.T) {
	p := newBulkPair(t)
	p.metered.Memory().WriteUint64Le(64, 0x0123456789abcdef)
	p.plain.Memory().WriteUint64Le(64, 0x0123456789abcdef)
	const page = 1 << 16
	for _, c := range [][3]uint32{
		{0, 7, page}, {1, 7, page}, {page - 100, 9, 100}, {page - 100, 9, 101}, {page + 1, 1, 0},
		{0, 1, math.MaxUint32}, {math.MaxUint32, 1, 17}, {17, 1, math.MaxUint32 - 16},
	} {
		p.call(t, "fill", c[0], c[1], c[2])
	}
	for _, name := range []string{"copy", "init", "short"} {
		for _, c := range [][3]uint32{
			{0, 0, 49}, {0, 0, 50}, {0, 1, 49}, {1, 0, 5}, {page - 49, 0, 49}, {page - 48, 0, 49},
			{0, math.MaxUint32, 17}, {0, math.MaxUint32 - 15, 32}, {3, 0, 40}, {0, 3, 40},
			{0, page - 20, 21}, {8, 0, page - 8}, {0, 8, page - 8}, {9, 0, page - 8},
		} {
			p.call(t, name, c[0], c[1], c[2])
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"fill", "copy", "copy", "copy", "init", "short", "grow"}
	for i := range 3000 {
		if i == 2500 {
			p.call(t, "drop", 0, 0, 0)
		}
		n := uint32(1 << r.IntN(17))
		name := names[r.IntN(len(names))]
		p.call(t, name, r.Uint32N(page*5/4), r.Uint32N(uint32(1)<<r.IntN(18)), n+r.Uint32N(n)-n/2)
	}
}

// TestChunksCostTheSame: the size of chunks does not change the fuel.
func TestChunksCostTheSame(t *testing.T) {
	var first []int64
	for _, chunk := range []uint32{16, 48, 4096, 0} {
		o := options
		o.BulkChunk = chunk
		inst := mustStart(t, meter(t, wat(t, bulkText), o), 1)
		var costs []int64
		for _, n := range []uint64{0, 15, 16, 17, 48, 49, 4097, 65536} {
			costs = append(costs, inst.fuel(t, "fill", 0, 1, n), inst.fuel(t, "copy", 0, 0, n))
		}
		if first == nil {
			first = costs
		}
		for i := range costs {
			if costs[i] != first[i] {
				t.Errorf("chunks of %d: costs %v, want %v", chunk, costs, first)
				break
			}
		}
	}
}

// TestBulkStops: a bulk instruction ends between two chunks when the fuel runs out.
func TestBulkStops(t *testing.T) {
	inst, err := start(t, meter(t, wat(t, bulkText), options), 0)
	if err != nil {
		t.Fatal(err)
	}
	inst.ExportedGlobal(options.Fuel).(api.MutableGlobal).Set(100)
	_, err = inst.ExportedFunction("fill").Call(context.Background(), 0, 1, 65536)
	if err == nil || !strings.Contains(err.Error(), "out of fuel") {
		t.Fatal(err)
	}
	if n := bytes.Count(memoryOf(inst), []byte{1}); n == 0 || n > 16*100 {
		t.Errorf("%d bytes were filled with a fuel of 100", n)
	}
}

// FuzzBulk is TestBulkInChunks with fuzzed operands.
func FuzzBulk(f *testing.F) {
	f.Add(uint8(0), uint32(0), uint32(1), uint32(65536))
	f.Add(uint8(1), uint32(8), uint32(0), uint32(100))
	f.Add(uint8(2), uint32(0), uint32(40), uint32(20))
	f.Add(uint8(1), uint32(0xffffffff), uint32(0xffffffff), uint32(0xffffffff))
	f.Fuzz(func(t *testing.T, op uint8, a, b, n uint32) {
		p := newBulkPair(t)
		for i := range uint32(200) {
			p.plain.Memory().WriteByte(i, byte(i))
			p.metered.Memory().WriteByte(i, byte(i))
		}
		p.call(t, []string{"fill", "copy", "init", "short"}[op%4], a, b, n)
	})
}
