package plugin

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// wasiModule is the module of WASI preview 1. Guests get a narrow form of it:
// clocks, random numbers, and standard output and error, which go to the log.
// There are no files, sockets, arguments or environment. It is not wazero's:
// that one keeps a table of files which a guest can make huge, and sleeps as
// long as it is told to.
const wasiModule = "wasi_snapshot_preview1"

// Error numbers of WASI preview 1, type errno.
const (
	wasiOK    = 0
	wasiBadf  = 8
	wasiFault = 21
	wasiInval = 28
	wasiNosys = 52
	wasiPerm  = 63
	wasiSpipe = 70
)

// wasiFunc is a function of WASI; its result is an error number.
type wasiFunc func(c *callContext, mem api.Memory, s []uint64) uint64

type wasiDef struct {
	params string // i: i32, I: i64
	fn     wasiFunc
}

// wasiFuncs is all of preview 1. Functions that would need a file, a
// directory or a socket find none.
var wasiFuncs = map[string]wasiDef{
	"args_get":          {"ii", wasiNothing},
	"args_sizes_get":    {"ii", wasiSizes},
	"environ_get":       {"ii", wasiNothing},
	"environ_sizes_get": {"ii", wasiSizes},
	"clock_res_get":     {"ii", wasiClockRes},
	"clock_time_get":    {"iIi", wasiClockTime},
	"random_get":        {"ii", wasiRandom},
	"poll_oneoff":       {"iiii", wasiPoll},
	"proc_exit":         {"i", wasiExit},
	"proc_raise":        {"i", wasiNone(wasiNosys)},
	"sched_yield":       {"", wasiNothing},

	"fd_write":            {"iiii", wasiWrite},
	"fd_read":             {"iiii", wasiRead},
	"fd_close":            {"i", wasiStdio(wasiOK)},
	"fd_fdstat_get":       {"ii", wasiFdstat},
	"fd_fdstat_set_flags": {"ii", wasiStdio(wasiOK)},
	"fd_filestat_get":     {"ii", wasiFilestat},
	"fd_seek":             {"iIii", wasiStdio(wasiSpipe)},
	"fd_tell":             {"ii", wasiStdio(wasiSpipe)},

	"fd_advise":             {"iIIi", wasiNone(wasiBadf)},
	"fd_allocate":           {"iII", wasiNone(wasiBadf)},
	"fd_datasync":           {"i", wasiNone(wasiBadf)},
	"fd_fdstat_set_rights":  {"iII", wasiNone(wasiBadf)},
	"fd_filestat_set_size":  {"iI", wasiNone(wasiBadf)},
	"fd_filestat_set_times": {"iIIi", wasiNone(wasiBadf)},
	"fd_pread":              {"iiiIi", wasiNone(wasiBadf)},
	"fd_prestat_dir_name":   {"iii", wasiNone(wasiBadf)},
	"fd_prestat_get":        {"ii", wasiNone(wasiBadf)},
	"fd_pwrite":             {"iiiIi", wasiNone(wasiBadf)},
	"fd_readdir":            {"iiiIi", wasiNone(wasiBadf)},
	"fd_renumber":           {"ii", wasiNone(wasiBadf)},
	"fd_sync":               {"i", wasiNone(wasiBadf)},

	"path_create_directory":   {"iii", wasiNone(wasiBadf)},
	"path_filestat_get":       {"iiiii", wasiNone(wasiBadf)},
	"path_filestat_set_times": {"iiiiIIi", wasiNone(wasiBadf)},
	"path_link":               {"iiiiiii", wasiNone(wasiBadf)},
	"path_open":               {"iiiiiIIii", wasiNone(wasiBadf)},
	"path_readlink":           {"iiiiii", wasiNone(wasiBadf)},
	"path_remove_directory":   {"iii", wasiNone(wasiBadf)},
	"path_rename":             {"iiiiii", wasiNone(wasiBadf)},
	"path_symlink":            {"iiiii", wasiNone(wasiBadf)},
	"path_unlink_file":        {"iii", wasiNone(wasiBadf)},

	"sock_accept":   {"iii", wasiNone(wasiBadf)},
	"sock_recv":     {"iiiiii", wasiNone(wasiBadf)},
	"sock_send":     {"iiiii", wasiNone(wasiBadf)},
	"sock_shutdown": {"ii", wasiNone(wasiBadf)},
}

// signature of a function of WASI.
func (d wasiDef) signature(name string) (params, results []api.ValueType) {
	for _, p := range d.params {
		if p == 'I' {
			params = append(params, api.ValueTypeI64)
		} else {
			params = append(params, api.ValueTypeI32)
		}
	}
	if name != "proc_exit" {
		results = []api.ValueType{api.ValueTypeI32}
	}
	return params, results
}

// instantiateWASI gives a runtime the functions that the guest asks for. Those of
// capabilities that it goes without answer EPERM.
func instantiateWASI(ctx context.Context, rt wazero.Runtime, wanted map[string]bool, without []abi.Capability) error {
	b := rt.NewHostModuleBuilder(wasiModule)
	for name := range wanted {
		def, ok := wasiFuncs[name]
		if !ok {
			continue // check has refused the module already
		}
		if c, ok := abi.CapabilityOf(name, true); ok && slices.Contains(without, c) {
			def.fn = wasiNone(wasiPerm)
		}
		params, results := def.signature(name)
		fn := func(ctx context.Context, mod api.Module, s []uint64) {
			c := callOf(ctx)
			c.charge(abi.CallFuel)
			errno := def.fn(c, mod.Memory(), s)
			if len(results) > 0 {
				s[0] = errno
			}
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(fn), params, results).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("WASI: %w", err)
	}
	return nil
}

// wasiNone answers with an error number.
func wasiNone(errno uint64) wasiFunc {
	return func(*callContext, api.Memory, []uint64) uint64 { return errno }
}

// wasiStdio answers for the three standard streams; there are no other files.
func wasiStdio(errno uint64) wasiFunc {
	return func(_ *callContext, _ api.Memory, s []uint64) uint64 {
		if uint32(s[0]) > 2 {
			return wasiBadf
		}
		return errno
	}
}

func wasiNothing(*callContext, api.Memory, []uint64) uint64 { return wasiOK }

// args_sizes_get and environ_sizes_get: there are none.
func wasiSizes(_ *callContext, mem api.Memory, s []uint64) uint64 {
	if !mem.WriteUint32Le(uint32(s[0]), 0) || !mem.WriteUint32Le(uint32(s[1]), 0) {
		return wasiFault
	}
	return wasiOK
}

// Clocks of WASI.
const (
	wasiRealtime  = 0
	wasiMonotonic = 1
)

// clock_res_get(id, resolution)
func wasiClockRes(_ *callContext, mem api.Memory, s []uint64) uint64 {
	if id := uint32(s[0]); id != wasiRealtime && id != wasiMonotonic {
		return wasiInval
	}
	if !mem.WriteUint64Le(uint32(s[1]), 1) {
		return wasiFault
	}
	return wasiOK
}

// clock_time_get(id, precision, timestamp)
func wasiClockTime(c *callContext, mem api.Memory, s []uint64) uint64 {
	now, ok := c.wasiNow(uint32(s[0]))
	if !ok {
		return wasiInval
	}
	if !mem.WriteUint64Le(uint32(s[2]), uint64(now)) {
		return wasiFault
	}
	return wasiOK
}

// wasiNow is the time of a clock, in nanoseconds.
func (c *callContext) wasiNow(clock uint32) (ns int64, ok bool) {
	switch clock {
	case wasiRealtime:
		if c.env != nil {
			return c.env.Now().UnixNano(), true
		}
		return time.Now().UnixNano(), true
	case wasiMonotonic:
		// From 1: some guests take 0 for a clock that does not run.
		return int64(time.Since(c.watch.epoch)) + 1, true
	}
	return 0, false
}

// random_get(buf, buf_len)
func wasiRandom(c *callContext, mem api.Memory, s []uint64) uint64 {
	buf, ok := mem.Read(uint32(s[0]), uint32(s[1]))
	if !ok {
		return wasiFault
	}
	for len(buf) > 0 { // in parts: the guest chose the length
		n := min(len(buf), 1<<20)
		c.chargeBytes(n)
		_, _ = rand.Read(buf[:n]) // never fails
		buf = buf[n:]
		if left, bounded := c.watch.left(); bounded && left == 0 {
			panic(errDeadline)
		}
	}
	return wasiOK
}

// proc_exit(code)
func wasiExit(_ *callContext, _ api.Memory, s []uint64) uint64 {
	panic(&exitError{code: uint32(s[0])})
}

// wasiVectors visits the buffers of an iovec array. A guest chooses how many
// there are, so it stops after 1024, or 64 KiB: to write less than was asked
// for is allowed, and the guest comes again.
func wasiVectors(mem api.Memory, ptr, count uint32, visit func([]byte)) (total uint32, errno uint64) {
	const maxVectors, maxBytes = 1024, 64 << 10
	for i := uint32(0); i < min(count, maxVectors) && total < maxBytes; i++ {
		vec, ok := mem.Read(ptr, 8)
		if !ok {
			return 0, wasiFault
		}
		buf, ok := mem.Read(binary.LittleEndian.Uint32(vec), binary.LittleEndian.Uint32(vec[4:]))
		if !ok {
			return 0, wasiFault
		}
		buf = buf[:min(uint32(len(buf)), maxBytes-total)]
		visit(buf)
		total += uint32(len(buf))
		if ptr += 8; ptr < 8 {
			return 0, wasiFault // wrapped
		}
	}
	return total, wasiOK
}

// fd_write(fd, iovs, iovs_len, nwritten)
func wasiWrite(c *callContext, mem api.Memory, s []uint64) uint64 {
	var w *guestWriter
	switch uint32(s[0]) {
	case 1:
		w = c.stdout
	case 2:
		w = c.stderr
	default:
		return wasiBadf
	}
	n, errno := wasiVectors(mem, uint32(s[1]), uint32(s[2]), func(b []byte) {
		c.chargeBytes(len(b))
		w.write(b)
	})
	if errno != wasiOK {
		return errno
	}
	if !mem.WriteUint32Le(uint32(s[3]), n) {
		return wasiFault
	}
	return wasiOK
}

// fd_read(fd, iovs, iovs_len, nread): standard input is at its end.
func wasiRead(_ *callContext, mem api.Memory, s []uint64) uint64 {
	if uint32(s[0]) != 0 {
		return wasiBadf
	}
	if !mem.WriteUint32Le(uint32(s[3]), 0) {
		return wasiFault
	}
	return wasiOK
}

const (
	wasiCharacterDevice = 2 // type filetype
	wasiRightRead       = 1 << 1
	wasiRightWrite      = 1 << 6
)

// fd_fdstat_get(fd, stat)
func wasiFdstat(_ *callContext, mem api.Memory, s []uint64) uint64 {
	fd := uint32(s[0])
	if fd > 2 {
		return wasiBadf
	}
	stat, ok := mem.Read(uint32(s[1]), 24)
	if !ok {
		return wasiFault
	}
	clear(stat)
	stat[0] = wasiCharacterDevice
	stat[8] = wasiRightWrite
	if fd == 0 {
		stat[8] = wasiRightRead
	}
	return wasiOK
}

// fd_filestat_get(fd, stat)
func wasiFilestat(_ *callContext, mem api.Memory, s []uint64) uint64 {
	if uint32(s[0]) > 2 {
		return wasiBadf
	}
	stat, ok := mem.Read(uint32(s[1]), 64)
	if !ok {
		return wasiFault
	}
	clear(stat)
	stat[16] = wasiCharacterDevice
	return wasiOK
}
