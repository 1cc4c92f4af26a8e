package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// Project is a plugin that is built when its sources change.
type Project struct {
	Path string // of the sources: a file or a folder
	Out  string // the plugin; a host that watches it loads what is built
	Name string // for people

	watched []string // folders
	changed bool
	built   bool // once at least
}

// settle is how long the sources have to be quiet: editors and version control
// write many files at once.
const settle = 100 * time.Millisecond

// Builder builds projects when their sources change. Its methods are for one
// goroutine.
type Builder struct {
	projects []*Project
	options  toolchain.Options
	console  *Console
	fs       *fsnotify.Watcher
}

// NewBuilder makes a builder. Close ends it.
func NewBuilder(projects []*Project, o toolchain.Options, console *Console) (*Builder, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch sources: %w", err)
	}
	b := &Builder{projects: projects, options: o, console: console, fs: w}
	for _, p := range projects {
		p.changed = true
		abs, err := filepath.Abs(p.Path)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		info, err := os.Stat(abs)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		if !info.IsDir() {
			abs = filepath.Dir(abs)
		}
		b.watch(p, abs, info.IsDir())
	}
	return b, nil
}

// Close frees what watches.
func (b *Builder) Close() error { return b.fs.Close() }

// watch has a project built when something in a folder changes, and in those
// below it if deep.
func (b *Builder) watch(p *Project, dir string, deep bool) {
	add := func(dir string) {
		if slices.Contains(p.watched, dir) {
			return
		}
		if err := b.fs.Add(dir); err != nil {
			b.console.Line(slog.LevelWarn, p.Name, fmt.Sprintf("%s is not watched: %v", dir, err))
			return
		}
		p.watched = append(p.watched, dir)
	}
	add(dir)
	if !deep {
		return
	}
	// A folder that can not be read is one that is not watched.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case path != dir && ignored(d.Name()):
			return fs.SkipDir
		}
		add(path)
		return nil
	})
}

// ignored are folders where tools put what they make.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "target" || name == "zig-cache" || name == "zig-out"
}

// Build builds what has changed, and says so. It returns whether every project
// has been built once at least.
func (b *Builder) Build(ctx context.Context) (all bool) {
	all = true
	for _, p := range b.projects {
		if p.changed {
			p.changed = false
			b.build(ctx, p)
		}
		all = all && p.built
	}
	return all
}

func (b *Builder) build(ctx context.Context, p *Project) {
	o := b.options
	o.Out = p.Out
	r, err := toolchain.Build(ctx, p.Path, o)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		text := "does not build:\n" + err.Error()
		if p.built {
			text += "\nthe version before goes on"
		}
		b.console.Line(slog.LevelError, p.Name, text)
		return
	}
	p.built = true
	for _, warning := range r.Warnings {
		b.console.Line(slog.LevelWarn, p.Name, warning)
	}
	for _, dir := range r.Watch {
		b.watch(p, dir, false)
	}
	b.console.Line(slog.LevelInfo, p.Name, fmt.Sprintf("built in %s, %d KB, %s", r.Took.Round(10*time.Millisecond), (r.Size+999)/1000, strings.Join(r.Hooks, " ")))
}

// Wait waits until sources have changed and are quiet again. It returns an
// error when ctx is done.
func (b *Builder) Wait(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	timer.Stop()
	for {
		select {
		case ev, ok := <-b.fs.Events:
			if !ok {
				return fsnotify.ErrClosed
			}
			if b.note(ev) {
				timer.Reset(settle)
			}
		case err, ok := <-b.fs.Errors:
			if !ok {
				return fsnotify.ErrClosed
			}
			// Events may be lost: everything is looked at.
			b.console.Line(slog.LevelWarn, "", fmt.Sprintf("watch sources: %v", err))
			for _, p := range b.projects {
				p.changed = true
			}
			timer.Reset(settle)
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sources are the endings of files that plugins are made of. Others do not
// count: our own log may be written beside them, and cargo writes Cargo.lock
// while it builds.
var sources = []string{
	".ts", ".mts", ".tsx", ".js", ".mjs", ".jsx", ".json", ".txt", ".bin", ".go", ".mod", ".sum", ".rs", ".toml",
	".c", ".h", ".cpp", ".cc", ".hpp", ".zig", ".wat",
}

func isSource(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(sources, filepath.Ext(name))
}

// note marks the projects that a change belongs to.
func (b *Builder) note(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod || !isSource(filepath.Base(ev.Name)) {
		return false
	}
	found := false
	for _, p := range b.projects {
		if slices.Contains(p.watched, filepath.Dir(ev.Name)) {
			p.changed, found = true, true
		}
	}
	return found
}
