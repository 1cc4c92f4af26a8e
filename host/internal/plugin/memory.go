package plugin

import (
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

const (
	wasmPage  = 64 << 10 // WebAssembly Core 2.0, section 4.2.8
	maxMemory = 4 << 30
)

// allocator gives guests their linear memory. Where the system can, a memory
// is address space that is reserved once, at its full size, and gets pages
// when the guest touches them: an instance starts without clearing megabytes,
// and memory.grow neither moves nor copies.
type allocator struct {
	limit uint64 // of one memory, in bytes

	regions atomic.Int64 // memories that are not freed
	bytes   atomic.Int64 // what guests see of them
}

// instanceMemory allocates for one instance, and remembers what it gave: when
// the start of an instance fails, wazero does not free its memory.
type instanceMemory struct {
	alloc   *allocator
	regions []*region
}

// Allocate implements experimental.MemoryAllocator. wazero has no way to pass
// an error on, so it panics, and start recovers.
func (m *instanceMemory) Allocate(_, max uint64) experimental.LinearMemory {
	if max > m.alloc.limit {
		max = m.alloc.limit
	}
	buf, err := reserve(max)
	if err != nil {
		panic(fmt.Errorf("reserve %d bytes of memory for an instance: %w", max, err))
	}
	r := &region{alloc: m.alloc, buf: buf, max: max}
	m.alloc.regions.Add(1)
	m.regions = append(m.regions, r)
	return r
}

// free frees what is not freed yet.
func (m *instanceMemory) free() {
	for _, r := range m.regions {
		r.Free()
	}
}

// region is one linear memory.
type region struct {
	alloc *allocator
	max   uint64
	freed atomic.Bool

	buf  []byte // all of the reservation, or what is allocated so far
	size uint64 // what the guest sees
}

// Reallocate implements experimental.LinearMemory. nil makes memory.grow
// return -1.
func (r *region) Reallocate(size uint64) []byte {
	if size > r.max || r.freed.Load() {
		return nil
	}
	buf, ok := extend(r.buf, size)
	if !ok {
		return nil
	}
	r.buf = buf
	r.alloc.bytes.Add(int64(size) - int64(r.size))
	r.size = size
	return r.buf[:size:size]
}

// Free implements experimental.LinearMemory. wazero calls it when an instance
// closes, but not always, so we do, too: only the first call counts.
func (r *region) Free() {
	if r.freed.Swap(true) {
		return
	}
	buf := r.buf
	r.buf = nil
	r.alloc.bytes.Add(-int64(r.size))
	r.alloc.regions.Add(-1)
	release(buf)
}
