//go:build unix

package plugin

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// validateOwner returns an error unless only this user, or root, may write to the directory.
func validateOwner(name, dir string, info fs.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("%s %s can be written by others (mode %04o): it holds code that this process runs; "+
			"chmod 700 it, or use another", name, dir, perm)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s %s belongs to user %d: it holds code that this process runs; use one of your own",
			name, dir, st.Uid)
	}
	return nil
}
