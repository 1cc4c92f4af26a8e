package plugin

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// wasiModule is the module of WASI preview 1. Guests get a subset of it: clocks, random numbers, and standard output
// and error, which go to the log. There are no files, sockets, arguments or environment variables. The implementation
// of wazero is not used, because a guest can make its table of files arbitrarily large, and its sleeps have no limit.
const wasiModule = "wasi_snapshot_preview1"

// Error numbers of WASI preview 1, type errno.
const (
	wasiOK    = 0
	wasiBadf  = 8  // bad file descriptor
	wasiFault = 21 // bad address
	wasiInval = 28 // invalid argument
	wasiNosys = 52 // not supported
	wasiPerm  = 63 // not permitted
	wasiSpipe = 70 // not seekable
)

// wasiFunc is a function of WASI. It returns an error number.
type wasiFunc func(c *callContext, mem api.Memory, s []uint64) uint64

type wasiDef struct {
	params string // one letter each: i for i32, I for i64
	fn     wasiFunc
}

// wasiFuncs has all functions of preview 1. Functions for a file, a directory or a socket return EBADF.
var wasiFuncs = map[string]wasiDef{
	"args_get":          {"ii", wasiSuccess},
	"args_sizes_get":    {"ii", wasiZeroSizes},
	"environ_get":       {"ii", wasiSuccess},
	"environ_sizes_get": {"ii", wasiZeroSizes},
	"clock_res_get":     {"ii", wasiClockRes},
	"clock_time_get":    {"iIi", wasiClockTime},
	"random_get":        {"ii", wasiRandom},
	"poll_oneoff":       {"iiii", wasiPoll},
	"proc_exit":         {"i", wasiExit},
	"proc_raise":        {"i", wasiErrno(wasiNosys)},
	"sched_yield":       {"", wasiSuccess},

	"fd_write":            {"iiii", wasiWrite},
	"fd_read":             {"iiii", wasiRead},
	"fd_close":            {"i", wasiStdio(wasiOK)},
	"fd_fdstat_get":       {"ii", wasiFdstat},
	"fd_fdstat_set_flags": {"ii", wasiStdio(wasiOK)},
	"fd_filestat_get":     {"ii", wasiFilestat},
	"fd_seek":             {"iIii", wasiStdio(wasiSpipe)},
	"fd_tell":             {"ii", wasiStdio(wasiSpipe)},

	"fd_advise":             {"iIIi", wasiErrno(wasiBadf)},
	"fd_allocate":           {"iII", wasiErrno(wasiBadf)},
	"fd_datasync":           {"i", wasiErrno(wasiBadf)},
	"fd_fdstat_set_rights":  {"iII", wasiErrno(wasiBadf)},
	"fd_filestat_set_size":  {"iI", wasiErrno(wasiBadf)},
	"fd_filestat_set_times": {"iIIi", wasiErrno(wasiBadf)},
	"fd_pread":              {"iiiIi", wasiErrno(wasiBadf)},
	"fd_prestat_dir_name":   {"iii", wasiErrno(wasiBadf)},
	"fd_prestat_get":        {"ii", wasiErrno(wasiBadf)},
	"fd_pwrite":             {"iiiIi", wasiErrno(wasiBadf)},
	"fd_readdir":            {"iiiIi", wasiErrno(wasiBadf)},
	"fd_renumber":           {"ii", wasiErrno(wasiBadf)},
	"fd_sync":               {"i", wasiErrno(wasiBadf)},

	"path_create_directory":   {"iii", wasiErrno(wasiBadf)},
	"path_filestat_get":       {"iiiii", wasiErrno(wasiBadf)},
	"path_filestat_set_times": {"iiiiIIi", wasiErrno(wasiBadf)},
	"path_link":               {"iiiiiii", wasiErrno(wasiBadf)},
	"path_open":               {"iiiiiIIii", wasiErrno(wasiBadf)},
	"path_readlink":           {"iiiiii", wasiErrno(wasiBadf)},
	"path_remove_directory":   {"iii", wasiErrno(wasiBadf)},
	"path_rename":             {"iiiiii", wasiErrno(wasiBadf)},
	"path_symlink":            {"iiiii", wasiErrno(wasiBadf)},
	"path_unlink_file":        {"iii", wasiErrno(wasiBadf)},

	"sock_accept":   {"iii", wasiErrno(wasiBadf)},
	"sock_recv":     {"iiiiii", wasiErrno(wasiBadf)},
	"sock_send":     {"iiiii", wasiErrno(wasiBadf)},
	"sock_shutdown": {"ii", wasiErrno(wasiBadf)},
}

// signature returns the types of the function called name. All functions but proc_exit return an i32.
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

// instantiateWASI adds the wanted functions of WASI to a runtime. Functions of the capabilities in without return
// EPERM.
func instantiateWASI(ctx context.Context, rt wazero.Runtime, wanted map[string]bool, without []abi.Capability) error {
	b := rt.NewHostModuleBuilder(wasiModule)
	for name := range wanted {
		def, ok := wasiFuncs[name]
		if !ok {
			continue // validateImport has refused the module
		}
		if c, ok := abi.CapabilityOf(name, true); ok && slices.Contains(without, c) {
			def.fn = wasiErrno(wasiPerm)
		}
		params, results := def.signature(name)
		fn := func(ctx context.Context, mod api.Module, s []uint64) {
			c := callOf(ctx)
			c.chargeFuel(abi.CallFuel)
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

// wasiErrno returns a function that returns an error number.
func wasiErrno(errno uint64) wasiFunc {
	return func(*callContext, api.Memory, []uint64) uint64 { return errno }
}

// wasiStdio returns a function that returns an error number for the three standard streams, and EBADF for other files.
func wasiStdio(errno uint64) wasiFunc {
	return func(_ *callContext, _ api.Memory, s []uint64) uint64 {
		if uint32(s[0]) > 2 {
			return wasiBadf
		}
		return errno
	}
}

func wasiSuccess(*callContext, api.Memory, []uint64) uint64 { return wasiOK }

// wasiZeroSizes implements args_sizes_get(count, size) and environ_sizes_get(count, size).
func wasiZeroSizes(_ *callContext, mem api.Memory, s []uint64) uint64 {
	if !mem.WriteUint32Le(uint32(s[0]), 0) || !mem.WriteUint32Le(uint32(s[1]), 0) {
		return wasiFault
	}
	return wasiOK
}

// Clocks of WASI, type clockid.
const (
	wasiRealtime  = 0
	wasiMonotonic = 1
)

// wasiClockRes implements clock_res_get(id, resolution).
func wasiClockRes(_ *callContext, mem api.Memory, s []uint64) uint64 {
	if id := uint32(s[0]); id != wasiRealtime && id != wasiMonotonic {
		return wasiInval
	}
	if !mem.WriteUint64Le(uint32(s[1]), 1) {
		return wasiFault
	}
	return wasiOK
}

// wasiClockTime implements clock_time_get(id, precision, timestamp).
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

// wasiNow returns the time of a clock, in nanoseconds. It returns false if there is no such clock.
func (c *callContext) wasiNow(clock uint32) (ns int64, ok bool) {
	switch clock {
	case wasiRealtime:
		if c.env != nil {
			return c.env.Now().UnixNano(), true
		}
		return time.Now().UnixNano(), true
	case wasiMonotonic:
		// It starts at 1: some guests treat 0 as a clock that does not run.
		return int64(time.Since(c.watchdog.epoch)) + 1, true
	}
	return 0, false
}

// wasiRandom implements random_get(buf, buf_len).
func wasiRandom(c *callContext, mem api.Memory, s []uint64) uint64 {
	buf, ok := mem.Read(uint32(s[0]), uint32(s[1]))
	if !ok {
		return wasiFault
	}
	for len(buf) > 0 { // in parts, because the guest chooses the length
		n := min(len(buf), 1<<20)
		c.chargeBytes(n)
		_, _ = rand.Read(buf[:n]) // never fails
		buf = buf[n:]
		c.CheckTime()
	}
	return wasiOK
}

// wasiExit implements proc_exit(code).
func wasiExit(_ *callContext, _ api.Memory, s []uint64) uint64 {
	panic(&exitError{code: uint32(s[0])})
}
