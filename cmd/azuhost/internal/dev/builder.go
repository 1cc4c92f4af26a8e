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
	Path string // file or folder of the sources
	Out  string // file of the plugin
	Name string // name of the plugin in the log

	// Location is the location of the sources. If it is zero, NewBuilder determines it.
	Location toolchain.Location

	imported []string // folders of imported files outside Location, sorted
	changed  bool     // since the last build
	built    bool     // at least once
}

// quietPeriod is the time without events after which a change is complete. Editors and version control write many files
// at once.
const quietPeriod = 100 * time.Millisecond

// Builder builds projects when their sources change. It is for use by one goroutine.
type Builder struct {
	projects []*Project
	options  toolchain.Options
	console  *Console
	watcher
}

// NewBuilder returns a builder of projects, all of which need a first build. The caller closes it.
func NewBuilder(projects []*Project, o toolchain.Options, console *Console) (*Builder, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch sources: %w", err)
	}
	b := &Builder{projects: projects, options: o, console: console, watcher: newWatcher(w)}
	for _, p := range projects {
		p.changed = true
		if p.Location.Dir == "" {
			if p.Location, err = toolchain.Locate(p.Path, o.Language); err != nil {
				return nil, errors.Join(err, w.Close())
			}
		}
		b.watchProject(p)
	}
	return b, nil
}

// Close stops watching.
func (b *Builder) Close() error { return b.fs.Close() }

// Changed reports whether a project has changed since its last build.
func (b *Builder) Changed() bool {
	return slices.ContainsFunc(b.projects, func(p *Project) bool { return p.changed })
}

// Build builds the projects that have changed and writes the results to the console. It reports whether every project
// has been built at least once.
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
		p.changed = true // the build was interrupted
		return
	}
	if err != nil {
		text := "does not build:\n" + err.Error()
		if p.built {
			text += "\nthe previous version keeps running"
		}
		b.console.Line(slog.LevelError, p.Name, text)
		if source := (*toolchain.SourceError)(nil); errors.As(err, &source) {
			// A failed build may not know all folders that the last good build imported from.
			b.watchImports(p, append(source.Watch, p.imported...))
		}
		return
	}
	p.built = true
	for _, warning := range r.Warnings {
		b.console.Line(slog.LevelWarn, p.Name, warning)
	}
	b.watchImports(p, r.Watch)
	took := r.Took.Round(10 * time.Millisecond)
	text := fmt.Sprintf("built in %s, %d KB, %s", took, (r.Size+999)/1000, strings.Join(r.Hooks, " "))
	b.console.Line(slog.LevelInfo, p.Name, text)
}

// Wait blocks until sources, or the file of WatchFile, have changed and there are no events for quietPeriod. It returns
// an error when ctx is done or the builder is closed.
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
			if b.handleEvent(ev) {
				timer.Reset(quietPeriod)
			}
		case err, ok := <-b.fs.Errors:
			if !ok {
				return fsnotify.ErrClosed
			}
			b.handleError(err)
			timer.Reset(quietPeriod)
		case <-timer.C:
			if b.compareFiles() {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// handleError marks all projects as changed, because events may be lost.
func (b *Builder) handleError(err error) {
	b.console.Line(slog.LevelWarn, "", fmt.Sprintf("watch sources: %v", err))
	for _, p := range b.projects {
		p.changed = true
		b.watchProject(p)
	}
}
