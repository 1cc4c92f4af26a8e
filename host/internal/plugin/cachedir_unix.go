//go:build unix

package plugin

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

func checkOwner(dir string, info fs.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("cache directory %s can be written by others (mode %04o): it holds code that this process runs; chmod 700 it, or use another", dir, perm)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("cache directory %s belongs to user %d: it holds code that this process runs; use one of your own", dir, st.Uid)
	}
	return nil
}
