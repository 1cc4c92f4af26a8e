//go:build unix

package host_test

import (
	"runtime"
	"syscall"
)

// maxResident reads what the system says of a process that has ended.
func maxResident(usage any) int64 {
	u, ok := usage.(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}
