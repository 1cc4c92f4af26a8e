package dev

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watcher holds the folders that a Builder watches and the files that have changed in them.
type watcher struct {
	fs      *fsnotify.Watcher
	folders map[string]bool   // true: watched; false: not watched, and a warning was written
	pending map[string]bool   // files with events that compareFiles has not compared yet
	hashes  map[string]string // hashes of files by compareFiles

	file        string // of WatchFile, or empty
	fileChanged bool
}

func newWatcher(w *fsnotify.Watcher) watcher {
	return watcher{fs: w, folders: map[string]bool{}, pending: map[string]bool{}, hashes: map[string]string{}}
}

// WatchFile makes Wait also return when a file changes that is not a source.
func (b *Builder) WatchFile(file string) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	b.file, b.hashes[abs] = abs, hashFile(abs)
	b.watchFolder(filepath.Dir(abs))
	return nil
}

// FileChanged reports whether the file of WatchFile has changed since the last call.
func (b *Builder) FileChanged() bool {
	changed := b.fileChanged
	b.fileChanged = false
	return changed
}

// watchProject watches the folders of a project.
func (b *Builder) watchProject(p *Project) {
	b.watchFolder(p.Location.Dir)
	if p.Location.Recursive {
		b.watchTree(p, p.Location.Dir)
	}
	for _, dir := range p.imported {
		b.watchFolder(dir)
	}
}

// watchImports watches the folders of the files that a build has imported.
func (b *Builder) watchImports(p *Project, dirs []string) {
	slices.Sort(dirs)
	p.imported = slices.Compact(dirs)
	for _, dir := range p.imported {
		b.watchFolder(dir)
	}
}

// watchFolder watches a folder. If the folder does not exist, it watches the closest folder above it that does.
func (b *Builder) watchFolder(dir string) {
	for !b.addFolder(dir) && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
	}
}

// addFolder watches a folder and reports whether it exists. It adds a folder again that is watched already, because
// another folder may have replaced it.
func (b *Builder) addFolder(dir string) (exists bool) {
	err := b.fs.Add(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if watched, known := b.folders[dir]; err != nil && (watched || !known) {
		b.console.Line(slog.LevelWarn, "", fmt.Sprintf("%s is not watched: %v", dir, err))
	}
	b.folders[dir] = err == nil
	return true
}

// watchTree watches a folder of a project and the folders below it. It reports whether there is a source in them.
func (b *Builder) watchTree(p *Project, dir string) (sources bool) {
	// WalkDir returns no error: a folder that cannot be read is not watched.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case !d.IsDir():
			sources = sources || b.isSource(p, path)
		case path != p.Location.Dir && isToolFolder(d.Name()):
			return fs.SkipDir
		default:
			b.addFolder(path) // before WalkDir reads it, so that a file that comes later causes an event
		}
		return nil
	})
	return sources
}

// contains reports whether sources of the project may be in the folder dir.
func (p *Project) contains(dir string) bool {
	if dir == p.Location.Dir || slices.Contains(p.imported, dir) {
		return true
	}
	if !p.Location.Recursive || !isBelow(dir, p.Location.Dir) {
		return false
	}
	rel, _ := filepath.Rel(p.Location.Dir, dir) // no error: dir is below it
	return !slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), isToolFolder)
}

// isWithin reports whether the folder dir is one of the project's, or above one.
func (p *Project) isWithin(dir string) bool {
	if p.contains(dir) || isBelow(p.Location.Dir, dir) {
		return true
	}
	return slices.ContainsFunc(p.imported, func(d string) bool { return isBelow(d, dir) })
}

// isBelow reports whether path is below the folder dir, at any depth.
func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// handleEvent records an event and reports whether it may be a change.
func (b *Builder) handleEvent(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	isSource := func(p *Project) bool { return b.isSource(p, ev.Name) }
	if ev.Name == b.file || slices.ContainsFunc(b.projects, isSource) {
		b.pending[ev.Name] = true
	}
	return b.handleFolder(ev) || b.pending[ev.Name]
}

// handleFolder handles the event that a folder was created, removed or renamed. It reports whether a project or the
// file of WatchFile may have changed.
func (b *Builder) handleFolder(ev fsnotify.Event) (changed bool) {
	dir := ev.Name
	gone := ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)
	if gone && !b.folders[dir] || !gone && !(ev.Has(fsnotify.Create) && isFolder(dir)) {
		return false
	}
	delete(b.folders, dir)
	for _, p := range b.projects {
		if !p.isWithin(dir) {
			continue
		}
		if !gone && p.Location.Recursive && p.contains(dir) {
			if !b.watchTree(p, dir) {
				continue // a new folder without sources
			}
		} else {
			b.watchProject(p) // if the folder is gone, this watches the one above
		}
		p.changed, changed = true, true
	}
	if b.file != "" && isBelow(b.file, dir) {
		b.watchFolder(filepath.Dir(b.file))
		b.pending[b.file], changed = true, true
	}
	return changed
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// compareFiles marks the projects whose files have other contents than before, and reports whether a project or the
// file of WatchFile has changed. It compares contents because some tools write a file beside the sources in every
// build, which would cause builds without end.
func (b *Builder) compareFiles() bool {
	for file := range b.pending {
		hash := hashFile(file)
		before, known := b.hashes[file]
		if known && hash == before {
			continue
		}
		b.hashes[file] = hash
		if file == b.file {
			b.fileChanged = true
		}
		for _, p := range b.projects {
			p.changed = p.changed || b.isSource(p, file)
		}
	}
	clear(b.pending)
	return b.fileChanged || b.Changed()
}

// hashFile returns the hash of a file's contents. It is empty if there is no regular file of that name, or it cannot be
// read.
func hashFile(file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return string(h.Sum(nil))
}
