//go:build unix

package hostile

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory returns the highest resident memory of a process that has ended, in bytes; 0 if the system does not say.
func peakMemory(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
