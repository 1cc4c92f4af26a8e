package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	// Place is where the sources are. The zero value has NewBuilder find out.
	Place toolchain.Place

	more    []string // folders of what is imported from elsewhere
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
	watcher
}

// NewBuilder makes a builder. Close ends it.
func NewBuilder(projects []*Project, o toolchain.Options, console *Console) (*Builder, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch sources: %w", err)
	}
	b := &Builder{projects: projects, options: o, console: console, watcher: newWatcher(w)}
	for _, p := range projects {
		p.changed = true
		if p.Place.Dir == "" {
			if p.Place, err = toolchain.Locate(p.Path, o.Language); err != nil {
				return nil, errors.Join(err, w.Close())
			}
		}
		b.watch(p)
	}
	return b, nil
}

// Close frees what watches.
func (b *Builder) Close() error { return b.fs.Close() }

// Changed says whether there is something to build.
func (b *Builder) Changed() bool {
	return slices.ContainsFunc(b.projects, func(p *Project) bool { return p.changed })
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
		p.changed = true // it was not seen to its end
		return
	}
	if err != nil {
		text := "does not build:\n" + err.Error()
		if p.built {
			text += "\nthe version before goes on"
		}
		b.console.Line(slog.LevelError, p.Name, text)
		if failed := (*toolchain.Failed)(nil); errors.As(err, &failed) {
			// What it says is not all that the version before was made of.
			b.watchToo(p, append(failed.Watch, p.more...))
		}
		return
	}
	p.built = true
	for _, warning := range r.Warnings {
		b.console.Line(slog.LevelWarn, p.Name, warning)
	}
	b.watchToo(p, r.Watch)
	b.console.Line(slog.LevelInfo, p.Name, fmt.Sprintf("built in %s, %d KB, %s", r.Took.Round(10*time.Millisecond), (r.Size+999)/1000, strings.Join(r.Hooks, " ")))
}

// Wait waits until sources, or the file that is followed, have changed and are
// quiet again. It returns an error when ctx is done.
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
			b.missed(err)
			timer.Reset(settle)
		case <-timer.C:
			if b.settled() {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// missed is told of events that may be lost: everything is looked at.
func (b *Builder) missed(err error) {
	b.console.Line(slog.LevelWarn, "", fmt.Sprintf("watch sources: %v", err))
	for _, p := range b.projects {
		p.changed = true
		b.watch(p)
	}
}
