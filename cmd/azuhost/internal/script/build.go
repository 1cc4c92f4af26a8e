package script

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

//go:embed licenses.txt
var licenses []byte

// Options of Build. The zero value works where there is a network.
type Options struct {
	Runtime Runtime
	// Minify makes the script smaller. Names stay, so that stacks can be read.
	Minify bool
	// Console gets what the script logs outside of hooks. nil: it is dropped.
	Console io.Writer
	// Timeout bounds what the script does outside of hooks while it is built. 0: 20 s.
	Timeout time.Duration
}

// Plugin is what Build made.
type Plugin struct {
	Wasm     []byte
	Inputs   []string // files that it was made of
	Warnings []string // of the bundler
}

// SourceError is what is wrong with the script, as the bundler or the first run
// of it says.
type SourceError struct {
	Text string
	// Inputs are the files that were read, and those that were looked for: a
	// change of one may mend it.
	Inputs []string
}

func (e *SourceError) Error() string { return e.Text }

// Build makes a plugin of a file in JavaScript or TypeScript. What is
// wrong with the file is a *SourceError.
func Build(ctx context.Context, file string, o Options) (*Plugin, error) {
	if o.Console == nil {
		o.Console = io.Discard
	}
	b, err := bundleFile(file, o.Minify)
	if err != nil {
		return nil, err
	}
	quickJS, err := o.Runtime.load(ctx)
	if err != nil {
		return nil, err
	}
	has, err := probe(ctx, quickJS, b, o)
	if wrong := (*SourceError)(nil); errors.As(err, &wrong) {
		wrong.Inputs = b.inputs
	}
	if err != nil {
		return nil, err
	}
	wasm, err := assemble(quickJS, b, has)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeName, err)
	}
	return &Plugin{Wasm: wasm, Inputs: b.inputs, Warnings: b.warnings}, nil
}

// assemble links the plugin, with the hooks that the script has and the
// functions that it may call.
func assemble(quickJS []byte, b *bundle, has *found) ([]byte, error) {
	l, err := link.New(quickJS)
	if err != nil {
		return nil, err
	}
	g := &glue{Linker: l, hooks: map[string]bool{}, script: b.code, sourceMap: b.places.encode()}
	used := map[string]bool{}
	for _, name := range has.Used {
		used[name] = true
	}
	for _, name := range allNatives() {
		if used[name] {
			g.natives = append(g.natives, name)
		}
	}
	for _, name := range has.Hooks {
		g.hooks[name] = true
	}
	g.add()
	l.Custom("licenses", licenses)
	l.Custom(abi.ManifestSection, manifest())
	return l.Link()
}

// manifest says that the plugin can live without everything but clocks, which
// QuickJS starts with: the SDK's classes import what a script may never call,
// and it gets an exception where it calls what the route does not allow.
func manifest() []byte {
	var m abi.Manifest
	for _, c := range abi.Capabilities {
		if c.Name != "time" {
			m.Optional = append(m.Optional, c.Name)
		}
	}
	out, _ := json.Marshal(m) // of strings: no error
	return out
}
