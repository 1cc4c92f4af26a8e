package script

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

//go:embed licenses.txt
var licenses []byte

// Options configure Build. The zero value works, but needs a network.
type Options struct {
	Runtime Runtime
	// Minify makes the script smaller. Names stay, so that stack traces stay readable.
	Minify bool
	// Console receives the log of the script's code outside of hooks. nil: it is dropped.
	Console io.Writer
	// Timeout bounds the run of the script's code outside of hooks while it is built. 0: 20 s.
	Timeout time.Duration
}

// Plugin is the result of Build.
type Plugin struct {
	Wasm     []byte
	Inputs   []string // source files, absolute
	Warnings []string // of the bundler
}

// SourceError is an error of the script, from the bundler or from the first run.
type SourceError struct {
	Text string
	// Inputs are the files that were read or looked for. Changing one of them may fix the error.
	Inputs []string
}

func (e *SourceError) Error() string { return e.Text }

// Build builds a plugin from a file in JavaScript or TypeScript. An error of the file is a *SourceError.
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
	probed, err := probe(ctx, quickJS, b, o)
	if source := (*SourceError)(nil); errors.As(err, &source) {
		source.Inputs = b.inputs
	}
	if err != nil {
		return nil, err
	}
	wasm, err := assemble(quickJS, b, probed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeName, err)
	}
	return &Plugin{Wasm: wasm, Inputs: b.inputs, Warnings: b.warnings}, nil
}

// assemble links the plugin with the hooks and natives of the probe.
func assemble(quickJS []byte, b *bundle, probed *probeResult) ([]byte, error) {
	l, err := link.New(quickJS)
	if err != nil {
		return nil, err
	}
	g := &glue{Linker: l, hooks: map[string]bool{}, script: b.code, sourceMap: b.sourceMap.encode()}
	for _, name := range allNatives() {
		if slices.Contains(probed.Used, name) {
			g.natives = append(g.natives, name)
		}
	}
	for _, name := range probed.Hooks {
		g.hooks[name] = true
	}
	g.build()
	l.Custom("licenses", licenses)
	l.Custom(abi.ManifestSection, encodeManifest())
	return l.Link()
}

// encodeManifest returns a manifest in which all capabilities but time are optional. The classes of the SDK import more
// than the script calls, and calling a function that the route does not allow throws an exception. QuickJS itself needs
// the time.
func encodeManifest() []byte {
	var m abi.Manifest
	for _, c := range abi.Capabilities {
		if c.Name != "time" {
			m.Optional = append(m.Optional, c.Name)
		}
	}
	out, _ := json.Marshal(m) // strings cannot fail
	return out
}
