package rollout

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Module is the content of a plugin's file.
type Module struct {
	sum  [sha256.Size]byte
	wasm []byte
}

// newModule returns the module with these bytes, which must not change afterwards.
func newModule(wasm []byte) Module { return Module{sha256.Sum256(wasm), wasm} }

// Version returns the version's id, as plugin.Plugin.Version does.
func (m Module) Version() string { return plugin.VersionID(m.sum) }

// is reports whether m has the bytes of other, which may be nil.
func (m Module) is(other *Module) bool { return other != nil && m.sum == other.sum }

// readModule reads a plugin's file. It returns an error for a file of more than limit bytes, for one that is not
// regular, and for a symbolic link that resolveModule refuses.
func readModule(file string, limit int64) (Module, error) {
	path, err := resolveModule(file)
	if err != nil {
		return Module{}, err
	}
	b, err := readRegular(path, limit)
	switch {
	case errors.Is(err, errNotRegular):
		return Module{}, fmt.Errorf("plugin %s: %w", file, err)
	case errors.Is(err, errTooLarge):
		return Module{}, fmt.Errorf("plugin %s: %w than limits.max_module (%d)", file, err, limit)
	case err != nil:
		return Module{}, fmt.Errorf("plugin: %w", err)
	}
	return newModule(b), nil
}

// resolveModule returns the path of the file behind a configured path. The configured path itself may be a symbolic
// link to anywhere, because the operator chose it. A link behind it that starts in its folder must end there, as the
// ..data of a mounted ConfigMap does: otherwise everybody who can create a link there could choose what runs.
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
		return path, nil // not a link, or missing
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(folder, target)
	}
	resolved, err := filepath.EvalSymlinks(target)
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	if contains(folder, target) && !contains(folder, resolved) {
		return "", fmt.Errorf("plugin %s: a link behind it leaves its folder, to %s: keep the file in the folder, "+
			"or have the configured path itself be the link", file, resolved)
	}
	return resolved, nil
}

// contains reports whether path is folder or anything below it. Both are absolute.
func contains(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

var (
	errNotRegular = errors.New("not a file")
	errTooLarge   = errors.New("too large")
)

// readRegular reads a regular file of at most limit bytes. Devices, pipes and folders are refused before they are
// opened, because opening or reading them might never end.
func readRegular(path string, limit int64) ([]byte, error) {
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
	case !fi.Mode().IsRegular(): // replaced since
		return nil, errNotRegular
	case fi.Size() > limit:
		return nil, fmt.Errorf("%w: %d bytes are more", errTooLarge, fi.Size())
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit { // grown since
		return nil, fmt.Errorf("%w: %d bytes are more", errTooLarge, len(b))
	}
	return b, err
}
