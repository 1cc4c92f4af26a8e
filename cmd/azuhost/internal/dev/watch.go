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

// watcher is what a Builder knows of folders and files.
type watcher struct {
	fs      *fsnotify.Watcher
	folders map[string]bool   // that are watched; false: it was said that one can not be
	pending map[string]bool   // files that something happened to
	seen    map[string]string // sums of files, when something happened to them last

	config        string // the file that is followed
	configChanged bool
}

func newWatcher(w *fsnotify.Watcher) watcher {
	return watcher{fs: w, folders: map[string]bool{}, pending: map[string]bool{}, seen: map[string]string{}}
}

// Follow has Wait return when a file changes that nothing is built of, too.
func (b *Builder) Follow(file string) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	b.config, b.seen[abs] = abs, sum(abs)
	b.reach(filepath.Dir(abs))
	return nil
}

// FollowedChanged says, once, whether the file that is followed has changed.
func (b *Builder) FollowedChanged() bool {
	changed := b.configChanged
	b.configChanged = false
	return changed
}

// watch has a project built when something in its folders changes.
func (b *Builder) watch(p *Project) {
	b.reach(p.Place.Dir)
	if p.Place.All {
		b.walk(p, p.Place.Dir)
	}
	for _, dir := range p.more {
		b.reach(dir)
	}
}

// watchToo watches folders that a build has named.
func (b *Builder) watchToo(p *Project, dirs []string) {
	slices.Sort(dirs)
	p.more = slices.Compact(dirs)
	for _, dir := range p.more {
		b.reach(dir)
	}
}

// reach watches a folder. As long as it is not there, it watches the closest
// one above, where it will come.
func (b *Builder) reach(dir string) {
	for !b.add(dir) && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
	}
}

// add watches a folder, and says whether it is there. One that is watched
// already is no matter: it may be another one of the same name.
func (b *Builder) add(dir string) (there bool) {
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

// walk watches a folder of a project and those below it, and says whether
// there is a source in one.
func (b *Builder) walk(p *Project, dir string) (sources bool) {
	// A folder that can not be read is one that is not watched.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case !d.IsDir():
			sources = sources || b.isSource(p, path)
		case path != p.Place.Dir && ignored(d.Name()):
			return fs.SkipDir
		default:
			b.add(path) // before it is read: what comes later is an event
		}
		return nil
	})
	return sources
}

// has says whether the sources of a project can be in a folder.
func (p *Project) has(dir string) bool {
	if dir == p.Place.Dir || slices.Contains(p.more, dir) {
		return true
	}
	if !p.Place.All || !below(dir, p.Place.Dir) {
		return false
	}
	rel, _ := filepath.Rel(p.Place.Dir, dir) // it is below: no error
	return !slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), ignored)
}

// leadsTo says whether a folder is one of a project's, or above one.
func (p *Project) leadsTo(dir string) bool {
	return p.has(dir) || slices.ContainsFunc(append([]string{p.Place.Dir}, p.more...), func(d string) bool { return below(d, dir) })
}

// below says whether a folder is somewhere in another.
func below(dir, in string) bool {
	rel, err := filepath.Rel(in, dir)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// note takes in an event, and says whether it may be a change.
func (b *Builder) note(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	if ev.Name == b.config || slices.ContainsFunc(b.projects, func(p *Project) bool { return b.isSource(p, ev.Name) }) {
		b.pending[ev.Name] = true
	}
	return b.noteFolder(ev) || b.pending[ev.Name]
}

// noteFolder follows folders that come and go.
func (b *Builder) noteFolder(ev fsnotify.Event) (changed bool) {
	dir := ev.Name
	gone := ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)
	if gone && !b.folders[dir] || !gone && !(ev.Has(fsnotify.Create) && isFolder(dir)) {
		return false
	}
	delete(b.folders, dir)
	for _, p := range b.projects {
		if !p.leadsTo(dir) {
			continue
		}
		news := gone
		if !gone && p.Place.All && p.has(dir) {
			news = b.walk(p, dir)
		} else {
			b.watch(p) // of one that is gone, what is above
			news = true
		}
		p.changed, changed = p.changed || news, changed || news
	}
	if b.config != "" && below(b.config, dir) {
		b.reach(filepath.Dir(b.config))
		b.pending[b.config], changed = true, true
	}
	return changed
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// settled marks the projects of the files that have other contents now, and
// says whether there is something to do. Some tools write a file beside the
// sources with every build: if that counted, it would never end.
func (b *Builder) settled() bool {
	for file := range b.pending {
		now := sum(file)
		before, known := b.seen[file]
		if known && now == before {
			continue
		}
		b.seen[file] = now
		if file == b.config {
			b.configChanged = true
		}
		for _, p := range b.projects {
			p.changed = p.changed || b.isSource(p, file)
		}
	}
	clear(b.pending)
	return b.configChanged || b.Changed()
}

// sum tells contents from others. Empty: there is no such file, or it is none
// that ends.
func sum(file string) string {
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
