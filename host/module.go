package host

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// module is a plugin's file as it was read.
type module struct {
	sum  [sha256.Size]byte
	wasm []byte
}

func newModule(wasm []byte) module { return module{sha256.Sum256(wasm), wasm} }

// readModule reads a plugin's file, if it is not larger than max.
func readModule(file string, max int64) (module, error) {
	path, err := resolveModule(file)
	if err != nil {
		return module{}, err
	}
	b, err := readRegular(path, max)
	switch {
	case errors.Is(err, errNotRegular):
		return module{}, fmt.Errorf("plugin %s: %w", file, err)
	case errors.Is(err, errTooLarge):
		return module{}, fmt.Errorf("plugin %s: %w than limits.max_module (%d)", file, err, max)
	case err != nil:
		return module{}, fmt.Errorf("plugin: %w", err)
	}
	return newModule(b), nil
}

// resolveModule finds the file behind a configured path. The path itself may be
// a link to anywhere: who configures it says so. Links that it leads to may
// not leave its folder (the ..data of a mounted ConfigMap does not): whoever can
// put a link there would choose what runs.
func resolveModule(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	path := filepath.Join(folder, filepath.Base(abs))
	target, err := os.Readlink(path)
	if err != nil {
		return path, nil // no link, or not there
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(folder, target)
	}
	real, err := filepath.EvalSymlinks(target)
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	if below(folder, target) && !below(folder, real) {
		return "", fmt.Errorf("plugin %s: a link behind it leaves its folder, to %s: keep the file in the folder, or have the configured path itself be the link", file, real)
	}
	return real, nil
}

// below says whether a path is in a folder or further down.
func below(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

var (
	errNotRegular = errors.New("not a file")
	errTooLarge   = errors.New("too large")
)

// readRegular reads a file that has at most max bytes, and is no device, pipe
// or folder, which might never end.
func readRegular(path string, max int64) ([]byte, error) {
	if fi, err := os.Stat(path); err != nil {
		return nil, err
	} else if !fi.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return nil, errNotRegular
	case fi.Size() > max:
		return nil, fmt.Errorf("%w: %d bytes are more", errTooLarge, fi.Size())
	}
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max { // it has grown
		return nil, fmt.Errorf("%w: %d bytes are more", errTooLarge, len(b))
	}
	return b, err
}

// fingerprint tells one state of a plugin's file from another: it is the hash of
// the content, or of what is wrong with the file. ok is false when the file is gone.
func fingerprint(file string, max int64) (sum [sha256.Size]byte, ok bool) {
	m, err := readModule(file, max)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sum, false
	case err != nil:
		return sha256.Sum256([]byte(err.Error())), true
	}
	return m.sum, true
}
