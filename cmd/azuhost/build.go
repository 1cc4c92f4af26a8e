package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/script"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

func buildCommand(proc *process) *cobra.Command {
	var (
		o        toolchain.Options
		flags    *buildFlags
		noShrink bool
		asJSON   bool
	)
	cmd := &cobra.Command{
		Use:   "build [FILE|FOLDER]",
		Short: "Build a plugin from its sources",
		Long: `Build a plugin from a source file, or from the sources in a folder (default: this
folder). The files determine the language. azuhost calls its toolchain with the
flags that a plugin needs. It writes the plugin beside the sources, under their
name, if the plugin loads.

JavaScript and TypeScript need no toolchain. The script and its imports are
bundled and put into a plugin with QuickJS. The module of QuickJS is downloaded
from npm once, checked against a known hash, and kept in the user's cache folder.
For builds without a network, download it elsewhere with
'npm pack quickjs-wasi@3.6.2', and name the file with --runtime or
AZUHOST_JS_RUNTIME.`,
		Example: `  azuhost build chat.ts
  azuhost build -o plugins/chat.wasm chat.ts
  azuhost build ./rooms                        a folder with a go.mod, or a Cargo.toml, or …
  azuhost build --language assemblyscript echo.ts`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "."
			if len(args) == 1 {
				path = args[0]
			}
			flags.apply(&o, proc)
			o.Shrink, o.Console = !noShrink, proc.stderr
			return buildPlugin(cmd.Context(), proc, path, o, asJSON)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&o.Out, "output", "o", "", "file to write, or a folder (default: beside the sources)")
	fs.BoolVar(&noShrink, "no-shrink", false, "do not run wasm-opt, which takes time")
	flags = addBuildFlags(cmd)
	fs.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// buildFlags holds the flags of commands that build plugins.
type buildFlags struct {
	language string
	runtime  string
	timeout  time.Duration
}

// addBuildFlags adds --language, --runtime and --script-timeout to cmd.
func addBuildFlags(cmd *cobra.Command) *buildFlags {
	f := &buildFlags{}
	fs := cmd.Flags()
	fs.StringVarP(&f.language, "language", "l", "", "language of the sources (default: by the files)")
	fs.StringVar(&f.runtime, "runtime", "",
		"QuickJS for JavaScript and TypeScript, a file of the npm package quickjs-wasi "+
			"(default: $"+config.EnvRuntime+", or downloaded once)")
	fs.DurationVar(&f.timeout, "script-timeout", 20*time.Second,
		"time that a script may run outside of hooks during the build")
	completion := cobra.FixedCompletions(toolchain.Names(), cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc("language", completion)
	_ = cmd.MarkFlagFilename("runtime", "tgz", "wasm")
	return f
}

// apply sets the options that the flags and the environment determine.
func (f *buildFlags) apply(o *toolchain.Options, proc *process) {
	o.Language, o.ScriptTimeout, o.Env = f.language, f.timeout, proc.env
	o.Runtime = scriptRuntime(proc, f.runtime)
}

// scriptRuntime returns where the QuickJS module comes from. file is the value of --runtime.
func scriptRuntime(proc *process, file string) script.Runtime {
	r := script.Runtime{File: file, Progress: proc.stderr}
	for _, kv := range proc.env {
		switch name, value, _ := strings.Cut(kv, "="); {
		case name == config.EnvRuntime && file == "":
			r.File = value
		case strings.EqualFold(name, "npm_config_registry"):
			r.Registry = value
		}
	}
	if dir, err := os.UserCacheDir(); err == nil {
		r.CacheDir = filepath.Join(dir, "azuhost", "javascript")
	}
	return r
}

// buildPlugin builds the sources at path and prints the result.
func buildPlugin(ctx context.Context, proc *process, path string, o toolchain.Options, asJSON bool) error {
	r, err := toolchain.Build(ctx, path, o)
	if err != nil {
		return reportBuildError(proc.stderr, path, err)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintln(proc.stderr, "warning:", warning)
	}
	if asJSON {
		return writeJSON(proc.stdout, map[string]any{
			"plugin": r.Out, "language": r.Language, "size": r.Size, "shrunk": r.Shrunk, "hooks": r.Hooks,
			"warnings": r.Warnings, "seconds": r.Took.Seconds(),
		})
	}
	fmt.Fprintln(proc.stdout, buildSummary(r))
	return nil
}

// buildSummary describes a plugin that was built in a line. A file below the working folder has a relative path.
func buildSummary(r *toolchain.Result) string {
	name := r.Out
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, r.Out); err == nil && filepath.IsLocal(rel) {
			name = rel
		}
	}
	took := r.Took.Round(10 * time.Millisecond)
	return fmt.Sprintf("%s: %d KB, %s, in %s", name, (r.Size+999)/1000, strings.Join(r.Hooks, " "), took)
}

// reportBuildError prints the output of a failed toolchain unchanged and returns errReported. It returns other errors
// with the path.
func reportBuildError(stderr io.Writer, path string, err error) error {
	var source *toolchain.SourceError
	if errors.As(err, &source) {
		fmt.Fprintln(stderr, source.Text)
		return errReported
	}
	return fmt.Errorf("build %s: %w", path, err)
}
