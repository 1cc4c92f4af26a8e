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

// allocator allocates the linear memories of guests. Where the system supports it, a memory is address space that is
// reserved once, in its full size, and gets pages when the guest touches them: an instance starts without clearing
// megabytes, and memory.grow does not move or copy.
type allocator struct {
	limit uint64 // of one memory, in bytes

	regions atomic.Int64 // memories that are not freed
	bytes   atomic.Int64 // their sizes as the guests see them
}

// instanceMemory allocates memory for one instance, and keeps a list of it: wazero does not free the memory of an
// instance that fails to start.
type instanceMemory struct {
	alloc   *allocator
	regions []*region
}

// Allocate implements experimental.MemoryAllocator. It panics if the system has no memory, because wazero has no way
// to return an error; instance.instantiate recovers.
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

// free frees the memories that wazero has not freed.
func (m *instanceMemory) free() {
	for _, r := range m.regions {
		r.Free()
	}
}

// region is one linear memory. It belongs to the goroutine that uses the instance.
type region struct {
	alloc *allocator
	max   uint64
	freed atomic.Bool

	buf  []byte // the whole reservation; without mmap, the allocated bytes
	size uint64 // as the guest sees it
}

// Reallocate implements experimental.LinearMemory. The result nil makes memory.grow return -1.
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

// Free implements experimental.LinearMemory. wazero does not call it for every instance that it closes, so
// instanceMemory.free calls it, too. Only the first call has an effect.
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
