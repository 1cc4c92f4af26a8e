// Package toolchain builds plugins. It knows the languages that have an SDK, how to recognize them by files, and the
// tools of each.
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

// Options configure Build. The zero value works for languages that need no tools.
type Options struct {
	// Language is the name of the language. Empty: the files decide.
	Language string
	// Out is the file to write, or a folder: one that exists, or a name that ends with a slash. Empty: the folder of the
	// sources. In a folder, the plugin has the name of the sources.
	Out string
	// Shrink runs wasm-opt if it is found, which takes seconds.
	Shrink bool
	// Runtime is QuickJS, for JavaScript and TypeScript.
	Runtime script.Runtime
	// ScriptTimeout bounds the run of a script's code outside of hooks while it is built. 0: 20 s.
	ScriptTimeout time.Duration
	// Env is the environment of the tools, in the form of os.Environ.
	Env []string
	// Console receives the output of tools and scripts. nil: it is dropped.
	Console io.Writer
}

// Result describes a plugin that was built.
type Result struct {
	Language string
	Out      string
	Size     int64 // bytes
	Hooks    []string
	Took     time.Duration
	Shrunk   int64    // bytes that wasm-opt saved
	Warnings []string // of tools, and of host.Inspect
	// Watch has the folders to watch for changes of the sources.
	Watch []string
}

// SourceError is an error of the sources, with the output of the tool that reports it.
type SourceError struct {
	Text string
	// Watch has the folders to watch: a change there can fix the error.
	Watch []string
}

func (e *SourceError) Error() string { return e.Text }

// Build builds a file, or the sources in a folder. It writes the plugin, or replaces an older one, after host.Inspect
// has accepted it. A tool that is not found is a *MissingToolError, and an error of the sources a *SourceError.
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
	} else if isDir(o.Out) || os.IsPathSeparator(o.Out[len(o.Out)-1]) {
		o.Out = filepath.Join(o.Out, filepath.Base(p.output()))
	}
	work, err := os.MkdirTemp("", "azuhost-build-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	b := &builder{project: p, Options: o, work: work, out: filepath.Join(work, "plugin.wasm")}
	r, err := b.build(ctx)
	if source := (*SourceError)(nil); errors.As(err, &source) {
		source.Watch = b.folders()
	}
	if err != nil {
		return nil, err
	}
	if err := copyAtomically(b.out, o.Out); err != nil {
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

// folders returns the folders of the sources that are known.
func (b *builder) folders() []string {
	dirs := []string{b.dir}
	for _, file := range b.inputs {
		if dir := filepath.Dir(file); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// builder is the state of a build.
type builder struct {
	*project
	Options
	work     string   // a folder for temporary files
	out      string   // the file to write the module to, in work
	inputs   []string // source files, of languages whose recipe knows them
	warnings []string
}

// inspect checks the plugin like a host that loads it, and fills in the result.
func (b *builder) inspect(ctx context.Context, r *Result) error {
	wasm, err := os.ReadFile(b.out)
	if err != nil {
		return fmt.Errorf("the %s tools wrote no plugin: %w", b.lang.Title, err)
	}
	info, err := host.Inspect(ctx, wasm)
	if err != nil {
		return &SourceError{Text: err.Error()}
	}
	if info.Problem != "" {
		return &SourceError{Text: "the plugin would not load: " + info.Problem}
	}
	r.Size, r.Hooks = int64(len(wasm)), info.Hooks
	r.Warnings = append(r.Warnings, info.Warnings...)
	return nil
}

// copyAtomically copies a file. A host that watches to reads all of it or nothing.
func copyAtomically(from, to string) error {
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
