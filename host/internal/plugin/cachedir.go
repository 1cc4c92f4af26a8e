package plugin

import (
	"fmt"
	"os"
)

// prepareCacheDir makes the directory for compiled code, or checks the one
// that is there. Who can write to it can run code in this process.
func prepareCacheDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("cache directory %s is not a directory", dir)
	}
	return checkOwner(dir, info)
}
