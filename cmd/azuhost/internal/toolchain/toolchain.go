// Package toolchain builds plugins: it knows the languages that have an SDK, by
// which files to tell them, which tools each needs and how these are called.
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script"
	"github.com/azuhost/azuhost/host"
)

// Options of Build. The zero value works.
type Options struct {
	// Language is its name. Empty: told by the files.
	Language string
	// Out is the file to write. Empty: beside the sources, named after them; a
	// folder, or what ends in a slash: in it.
	Out string
	// Shrink runs wasm-opt where it is found. It takes its time.
	Shrink bool
	// Runtime is QuickJS, for JavaScript and TypeScript.
	Runtime script.Runtime
	// ScriptTimeout bounds what a script does outside of hooks while it is built.
	// 0: 20 s.
	ScriptTimeout time.Duration
	// Env is the environment of the tools, as os.Environ has it.
	Env []string
	// Console gets what tools and scripts say while they work. nil: it is dropped.
	Console io.Writer
}

// Result is a plugin that was built.
type Result struct {
	Language string
	Out      string
	Size     int64
	Hooks    []string
	Took     time.Duration
	Shrunk   int64    // bytes that wasm-opt took away
	Warnings []string // of tools, and of host.Inspect
	// Watch are the folders to watch for changes of the sources.
	Watch []string
}

// Failed is an error of the sources: a tool refused them and said why.
type Failed struct {
	Text string
	// Watch are the folders to watch: a change there may mend it.
	Watch []string
}

func (f *Failed) Error() string { return f.Text }

// Build builds a file, or what is in a folder. The plugin is written when it
// has been found good, in place of an older one. A tool that is missing is a
// *Missing, and what a tool says of the sources a *Failed.
func Build(ctx context.Context, path string, o Options) (*Result, error) {
	begin := time.Now()
	if o.Console == nil {
		o.Console = io.Discard
	}
	p, err := find(path, o.Language)
	if err != nil {
		return nil, err
	}
	if o.Out == "" {
		o.Out = p.output()
	} else if isFolder(o.Out) || os.IsPathSeparator(o.Out[len(o.Out)-1]) {
		o.Out = filepath.Join(o.Out, filepath.Base(p.output()))
	}
	work, err := os.MkdirTemp("", "azuhost-build-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	b := &builder{project: p, Options: o, work: work, out: filepath.Join(work, "plugin.wasm")}
	r, err := b.build(ctx)
	if failed := (*Failed)(nil); errors.As(err, &failed) {
		failed.Watch = b.folders()
	}
	if err != nil {
		return nil, err
	}
	if err := place(b.out, o.Out); err != nil {
		return nil, err
	}
	r.Took = time.Since(begin)
	return r, nil
}

// build writes the plugin to b.out.
func (b *builder) build(ctx context.Context) (r *Result, err error) {
	if err := b.lang.build(ctx, b); err != nil {
		return nil, err
	}
	r = &Result{Language: b.lang.Name, Out: b.Out, Watch: b.folders()}
	if b.Shrink && b.lang.shrinks {
		if r.Shrunk, err = b.shrink(ctx); err != nil {
			return nil, err
		}
	}
	r.Warnings = b.warnings
	return r, b.inspect(ctx, r)
}

// folders are those that sources are in, as far as is known.
func (b *builder) folders() []string {
	dirs := []string{b.dir}
	for _, file := range b.inputs {
		if dir := filepath.Dir(file); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// builder is one build while it runs.
type builder struct {
	*project
	Options
	work     string // a folder for what is in between
	out      string // where the module is to be written
	inputs   []string
	warnings []string
}

// inspect holds the plugin against the host, as a load would.
func (b *builder) inspect(ctx context.Context, r *Result) error {
	wasm, err := os.ReadFile(b.out)
	if err != nil {
		return fmt.Errorf("the %s toolchain has written no plugin: %w", b.lang.Title, err)
	}
	info, err := host.Inspect(ctx, wasm)
	if err != nil {
		return &Failed{Text: err.Error()}
	}
	if info.Problem != "" {
		return &Failed{Text: "the plugin would not load: " + info.Problem}
	}
	r.Size, r.Hooks = int64(len(wasm)), info.Hooks
	r.Warnings = append(r.Warnings, info.Warnings...)
	return nil
}

// place moves a file to where it is wanted, so that a host that watches never
// sees half of it.
func place(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}
