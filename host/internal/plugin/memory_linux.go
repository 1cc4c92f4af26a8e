package plugin

import "syscall"

// disableHugePages keeps the kernel from using transparent huge pages for buf: the first byte that a small guest
// touches would cost 2 MiB. An error does not matter, because a kernel without huge pages returns one.
func disableHugePages(buf []byte) {
	const noHugePage = 15 // MADV_NOHUGEPAGE
	_ = syscall.Madvise(buf, noHugePage)
}
