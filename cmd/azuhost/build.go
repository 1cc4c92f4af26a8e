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

func buildCommand(w *world) *cobra.Command {
	var o toolchain.Options
	var noShrink, asJSON bool
	var runtime string
	cmd := &cobra.Command{
		Use:   "build [FILE|FOLDER]",
		Short: "Build a plugin from its sources",
		Long: `Build a plugin from a file, or from the sources in a folder (by default this
one). The language is told by the files; its toolchain is called with the flags
that a plugin needs. The plugin is written beside the sources, named after them,
once it has been found to load.

JavaScript and TypeScript need no toolchain: imports are bundled, and the script
is put into a plugin with QuickJS. Its module comes from npm, once, is checked
against a hash that is known here, and kept in the user's cache folder. For
builds without a network fetch it elsewhere with 'npm pack quickjs-wasi@3.6.2',
and name the file with --runtime or AZUHOST_JS_RUNTIME.`,
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
			o.Shrink, o.Env, o.Console = !noShrink, w.env, w.stderr
			o.Runtime = jsRuntime(w, runtime, w.stderr)
			return buildSources(cmd.Context(), w, path, o, asJSON)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&o.Out, "output", "o", "", "file to write, or a folder (default: beside the sources)")
	languageFlag(cmd, &o.Language)
	fs.BoolVar(&noShrink, "no-shrink", false, "do not run wasm-opt, which takes its time")
	runtimeFlag(cmd, &runtime)
	timeoutFlag(cmd, &o.ScriptTimeout)
	fs.BoolVar(&asJSON, "json", false, "print what was built as JSON")
	return cmd
}

// languageFlag adds --language.
func languageFlag(cmd *cobra.Command, language *string) {
	cmd.Flags().StringVarP(language, "language", "l", "", "language of the sources (default: told by the files)")
	_ = cmd.RegisterFlagCompletionFunc("language", cobra.FixedCompletions(toolchain.Names(), cobra.ShellCompDirectiveNoFileComp))
}

// runtimeFlag adds --runtime.
func runtimeFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "runtime", "", "QuickJS for JavaScript and TypeScript, a file of the npm package quickjs-wasi (default: $"+config.EnvRuntime+", else downloaded once)")
	_ = cmd.MarkFlagFilename("runtime", "tgz", "wasm")
}

// timeoutFlag adds --script-timeout.
func timeoutFlag(cmd *cobra.Command, timeout *time.Duration) {
	cmd.Flags().DurationVar(timeout, "script-timeout", 20*time.Second, "time that a script may run outside of hooks while it is built")
}

// jsRuntime says where QuickJS comes from.
func jsRuntime(w *world, file string, progress io.Writer) script.Runtime {
	r := script.Runtime{File: file, Progress: progress}
	for _, kv := range w.env {
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

func buildSources(ctx context.Context, w *world, path string, o toolchain.Options, asJSON bool) error {
	r, err := toolchain.Build(ctx, path, o)
	if err != nil {
		return buildError(w, path, err)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintln(w.stderr, "warning:", warning)
	}
	if asJSON {
		return writeJSON(w.stdout, map[string]any{
			"plugin": r.Out, "language": r.Language, "size": r.Size, "shrunk": r.Shrunk, "hooks": r.Hooks, "warnings": r.Warnings, "seconds": r.Took.Seconds(),
		})
	}
	fmt.Fprintln(w.stdout, built(r))
	return nil
}

// built is a line about a plugin that was built.
func built(r *toolchain.Result) string {
	name := r.Out
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, r.Out); err == nil && filepath.IsLocal(rel) {
			name = rel
		}
	}
	return fmt.Sprintf("%s: %d KB, %s, in %s", name, (r.Size+999)/1000, strings.Join(r.Hooks, " "), r.Took.Round(10*time.Millisecond))
}

// buildError says what a toolchain says of the sources as it said it.
func buildError(w *world, path string, err error) error {
	var failed *toolchain.SourceError
	if errors.As(err, &failed) {
		fmt.Fprintln(w.stderr, failed.Text)
		return errSaid
	}
	return fmt.Errorf("build %s: %w", path, err)
}
