//go:build !unix

package hostile

import "os"

// peakMemory returns 0: the system does not tell the highest resident memory of a process.
func peakMemory(*os.ProcessState) int64 { return 0 }
