package plugin

import (
	"encoding/binary"

	"github.com/tetratelabs/wazero/api"
)

// wasiVectors calls visit for the buffers of an iovec array, and returns their total size. A guest chooses the number
// of buffers, so wasiVectors stops after 1024 buffers or 64 KiB. WASI allows to write less than requested, and the
// guest then writes the rest.
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
			return 0, wasiFault // the address wrapped around
		}
	}
	return total, wasiOK
}

// wasiWrite implements fd_write(fd, iovs, iovs_len, nwritten).
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

// wasiRead implements fd_read(fd, iovs, iovs_len, nread). Standard input is empty.
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
	wasiCharacterDevice = 2      // type filetype
	wasiRightRead       = 1 << 1 // type rights
	wasiRightWrite      = 1 << 6
)

// wasiFdstat implements fd_fdstat_get(fd, stat).
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

// wasiFilestat implements fd_filestat_get(fd, stat).
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
