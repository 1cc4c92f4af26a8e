package plugin

import (
	"fmt"
	"os"
)

// prepareCacheDir makes the directory for compiled code, or checks the one
// that is there.
func prepareCacheDir(dir string) error { return PrepareDir("cache directory", dir) }

// PrepareDir makes a directory for code, with mode 0700, or checks the one that
// is there: who can write to it can run code in this process. what begins the
// error.
func PrepareDir(what, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s %s is not a directory", what, dir)
	}
	return checkOwner(what, dir, info)
}
