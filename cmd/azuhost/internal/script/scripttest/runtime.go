// Package scripttest provides the JavaScript runtime for tests.
package scripttest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// ErrMissing is the reason to skip tests without the runtime.
var ErrMissing = errors.New("needs the package quickjs-wasi: npm, to fetch it, or its file in AZUHOST_JS_RUNTIME")

// Runtime returns the file of the npm package quickjs-wasi: that of AZUHOST_JS_RUNTIME, or one that npm fetches once
// into the user's cache folder.
var Runtime = sync.OnceValues(func() (string, error) {
	if file := os.Getenv("AZUHOST_JS_RUNTIME"); file != "" {
		return file, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "azuhost-test")
	file := filepath.Join(dir, "quickjs-wasi-3.6.2.tgz")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", "pack", "--silent", "quickjs-wasi@3.6.2")
	cmd.Dir = dir
	if err := cmd.Run(); err != nil {
		return "", errors.Join(ErrMissing, err)
	}
	return file, nil
})
