package plugin

import "syscall"

// smallPages keeps huge pages away: where the system makes them by itself, the
// first byte that a small guest touches would cost 2 MiB.
func smallPages(buf []byte) {
	const noHugePage = 15 // MADV_NOHUGEPAGE
	_ = syscall.Madvise(buf, noHugePage)
}
