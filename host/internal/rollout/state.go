package rollout

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

// State is a folder with the last good version of each route, one file per route, which outlives the process.
// Its methods log errors and return none, because a host serves also without the folder.
type State struct {
	dir string // empty: nothing is stored
	log *slog.Logger
}

// Key identifies a file of a State. The plugin's name is part of it, because another plugin on the same route is not
// another version of the one before.
type Key struct{ Route, Plugin string }

// OpenState returns the State in the folder dir, which it creates with mode 0700 if it is missing. If dir is empty or
// unusable the State stores nothing.
func OpenState(dir string, log *slog.Logger) *State {
	if dir != "" {
		if err := plugin.PrepareDir("state directory", dir); err != nil {
			log.Error("the last good versions of plugins are not kept: set state_dir", "err", err)
			dir = ""
		}
	}
	return &State{dir, log}
}

const stateSuffix = ".wasm"

// file returns a hash of k as the file's name, because a route is no valid file name.
func (k Key) file() string {
	sum := sha256.Sum256([]byte(k.Route + "\x00" + k.Plugin))
	return hex.EncodeToString(sum[:]) + stateSuffix
}

// Read returns the version that is stored under k, if there is one of at most limit bytes.
func (s *State) Read(k Key, limit int64) (Module, bool) {
	if s.dir == "" {
		return Module{}, false
	}
	b, err := readRegular(filepath.Join(s.dir, k.file()), limit)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("last good version not read", "route", k.Route, "err", err)
		}
		return Module{}, false
	}
	return newModule(b), true
}

// Write stores m under k. The file is replaced atomically.
func (s *State) Write(k Key, m Module) {
	if s.dir == "" {
		return
	}
	if err := replaceFile(filepath.Join(s.dir, k.file()), m.wasm); err != nil {
		s.log.Warn("last good version not kept", "route", k.Route, "err", err)
	}
}

// tempMark is between the name of a file and the random suffix of the temporary file that replaces it.
const tempMark = ".tmp-"

// abandonedAfter is the age at which a temporary file is removed. A younger one may be in use by another process.
const abandonedAfter = time.Hour

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

// Prune removes the versions that are not stored under one of keys, and temporary files of writes that were
// interrupted. It leaves files alone that State has not made.
func (s *State) Prune(keys []Key) {
	if s.dir == "" {
		return
	}
	keep := map[string]bool{}
	for _, k := range keys {
		keep[k.file()] = true
	}
	entries, err := os.ReadDir(s.dir)
	for _, e := range entries {
		name, temp, _ := strings.Cut(e.Name(), tempMark)
		if !isStateFile(name) {
			continue
		}
		if temp != "" {
			fi, infoErr := e.Info()
			if infoErr != nil || time.Since(fi.ModTime()) < abandonedAfter {
				continue
			}
		} else if keep[name] {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(s.dir, e.Name())))
	}
	if err != nil {
		s.log.Warn("old files stay in the state directory", "err", err)
	}
}

// isStateFile reports whether name is one that Key.file returns.
func isStateFile(name string) bool {
	hash, ok := strings.CutSuffix(name, stateSuffix)
	sum, err := hex.DecodeString(hash)
	return ok && err == nil && len(sum) == sha256.Size
}
