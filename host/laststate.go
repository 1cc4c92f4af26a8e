package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// lastState keeps the last good version of each route in a folder, a file for
// each route, so that it outlives the process. Without a folder it keeps nothing.
type lastState struct {
	dir string // empty: none
	log *slog.Logger
}

// openState opens the folder. One that can not be used is no reason not to
// serve: the log says so, and nothing is kept.
func openState(dir string, log *slog.Logger) *lastState {
	if dir != "" {
		if err := plugin.PrepareDir("state directory", dir); err != nil {
			log.Error("the last good versions of plugins are not kept: set state_dir", "err", err)
			dir = ""
		}
	}
	return &lastState{dir, log}
}

const stateSuffix = ".wasm"

// file is named by a hash, since a path is no file name. Another plugin on the
// same path is not another version of it.
func (l *lastState) file(path, name string) string {
	sum := sha256.Sum256([]byte(path + "\x00" + name))
	return hex.EncodeToString(sum[:]) + stateSuffix
}

// read gives the version that was kept for a route.
func (l *lastState) read(path, name string, max int64) (module, bool) {
	if l.dir == "" {
		return module{}, false
	}
	b, err := readRegular(filepath.Join(l.dir, l.file(path, name)), max)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.log.Warn("last good version not read", "route", path, "err", err)
		}
		return module{}, false
	}
	return newModule(b), true
}

// write keeps a version. A reader sees the old file or the new one.
func (l *lastState) write(path, name string, wasm []byte) {
	if l.dir == "" {
		return
	}
	if err := replaceFile(filepath.Join(l.dir, l.file(path, name)), wasm); err != nil {
		l.log.Warn("last good version not kept", "route", path, "err", err)
	}
}

const tempMark = ".tmp-"

func replaceFile(file string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+tempMark) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// prune removes the versions of routes that are no more, and what a process that
// ended in the middle of a write has left.
func (l *lastState) prune(routes []Route) {
	if l.dir == "" {
		return
	}
	keep := map[string]bool{}
	for _, r := range routes {
		if r.Plugin != "" {
			keep[l.file(r.Path, r.pluginName())] = true
		}
	}
	entries, err := os.ReadDir(l.dir)
	for _, e := range entries {
		name, temp, _ := strings.Cut(e.Name(), tempMark)
		hash, ours := strings.CutSuffix(name, stateSuffix)
		if _, bad := hex.DecodeString(hash); !ours || bad != nil || len(hash) != 2*sha256.Size {
			continue // not ours
		}
		if temp != "" {
			fi, gone := e.Info()
			if gone != nil || time.Since(fi.ModTime()) < time.Hour {
				continue // another process may be writing it
			}
		} else if keep[name] {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(l.dir, e.Name())))
	}
	if err != nil {
		l.log.Warn("old files stay in the state directory", "err", err)
	}
}
