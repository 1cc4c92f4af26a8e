package plugin

import (
	"fmt"
	"os"
)

// PrepareDir creates a directory for code with mode 0700. If the directory exists, PrepareDir returns an error if other
// users own it or may write to it: they could run code in this process. Errors begin with name.
func PrepareDir(name, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s %s is not a directory", name, dir)
	}
	return validateOwner(name, dir, info)
}
