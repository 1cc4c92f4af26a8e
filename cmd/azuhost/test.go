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

	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/scenario"
)

// tester is what azuhost test is told.
type tester struct {
	w         *world
	build     toolchain.Options
	scenarios []string
	verbose   bool
	asJSON    bool
	deadline  time.Duration
}

func testCommand(w *world) *cobra.Command {
	t := &tester{w: w}
	var runtime string
	cmd := &cobra.Command{
		Use:   "test [FILE|FOLDER]",
		Short: "Play scenarios with a plugin: clients, messages, time",
		Long: `Build a plugin, or take a .wasm file, and play the scenarios beside it: files
that end in .scenario, in its folder and in test/ there. Beside chat.ts it is
chat.scenario, where there is one; for src/lib.rs, those of the project.

A scenario says who connects, sends and receives what, and lets time pass. It
needs no port, and no time to wait. docs/TESTING.md has all lines:

  alice connects /chat?name=alice
  bob connects /chat?name=bob
  alice sends {"type":"message","text":"hi"}
  bob receives {"type":"message","user":"alice","text":"hi",...}
  wait 15s
  bob receives nothing`,
		Example: `  azuhost test
  azuhost test chat.ts
  azuhost test --scenario lobby.scenario chat.wasm`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "."
			if len(args) == 1 {
				path = args[0]
			}
			t.build.Env, t.build.Console = w.env, w.stderr
			t.build.Runtime = jsRuntime(w, runtime, w.stderr)
			return t.test(cmd.Context(), path)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVarP(&t.scenarios, "scenario", "s", nil, "file to play; may be repeated (default: those beside the plugin)")
	fs.BoolVarP(&t.verbose, "verbose", "v", false, "print the host's log")
	fs.BoolVar(&t.asJSON, "json", false, "print the results as JSON")
	fs.DurationVar(&t.deadline, "deadline", 5*time.Second, "time that one hook may run; hosts that serve have 50ms")
	_ = cmd.MarkFlagFilename("scenario", "scenario")
	languageFlag(cmd, &t.build.Language)
	runtimeFlag(cmd, &runtime)
	timeoutFlag(cmd, &t.build.ScriptTimeout)
	return cmd
}

// played is the result of one scenario.
type played struct {
	Scenario string  `json:"scenario"`
	Passed   bool    `json:"passed"`
	Seconds  float64 `json:"seconds"`
	Error    string  `json:"error,omitempty"`
}

func (t *tester) test(ctx context.Context, path string) error {
	work, err := os.MkdirTemp("", "azuhost-test-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	plugin := path
	if filepath.Ext(path) != ".wasm" {
		plugin = filepath.Join(work, "plugin.wasm")
		t.build.Out = plugin
		if _, err := toolchain.Build(ctx, path, t.build); err != nil {
			return buildError(t.w, path, err)
		}
	}
	files, err := t.find(path)
	if err != nil {
		return err
	}
	results, failed := make([]played, 0, len(files)), 0
	for _, file := range files {
		r := t.play(ctx, file, scenario.Options{Route: host.Route{Plugin: plugin, Limits: host.Limits{Deadline: t.deadline}}, CacheDir: filepath.Join(work, "cache"), Log: t.log()})
		results = append(results, r)
		if !r.Passed {
			failed++
		}
		if !t.asJSON {
			t.print(r)
		}
	}
	if t.asJSON {
		if err := writeJSON(t.w.stdout, results); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errSaid
	}
	return nil
}

// log is where the host's log goes.
func (t *tester) log() io.Writer {
	if t.verbose {
		return t.w.stderr
	}
	return nil
}

func (t *tester) play(ctx context.Context, file string, o scenario.Options) played {
	begin := time.Now()
	r := played{Scenario: file}
	text, err := os.ReadFile(file)
	if err == nil {
		var s *scenario.Script
		if s, err = scenario.Parse(file, string(text)); err == nil {
			err = s.Play(ctx, o)
		}
	}
	r.Seconds, r.Passed = time.Since(begin).Seconds(), err == nil
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (t *tester) print(r played) {
	if r.Passed {
		fmt.Fprintf(t.w.stdout, "ok    %s (%.2fs)\n", r.Scenario, r.Seconds)
		return
	}
	fmt.Fprintf(t.w.stdout, "FAIL  %s (%.2fs)\n", r.Scenario, r.Seconds)
	fmt.Fprintln(t.w.stdout, "  "+strings.ReplaceAll(strings.TrimSpace(r.Error), "\n", "\n  "))
}

// find lists the scenarios to play.
func (t *tester) find(path string) ([]string, error) {
	if len(t.scenarios) > 0 {
		return t.scenarios, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	dirs := []string{path}
	if !info.IsDir() {
		own := strings.TrimSuffix(path, filepath.Ext(path)) + scenarioExt
		if exists(own) {
			return []string{own}, nil
		}
		if dirs, err = scenarioFolders(path, t.build.Language); err != nil {
			return nil, err
		}
	}
	for _, dir := range dirs {
		if files := scenariosIn(dir); len(files) > 0 {
			return files, nil
		}
	}
	return nil, errors.New("no scenarios: there is no file *" + scenarioExt + " in " + strings.Join(dirs, ", in ") + " or in test/ there; azuhost test --help shows how to write one")
}

// scenarioFolders are where the scenarios of a file can be: beside it, or in
// the folder of its project, if that is another one.
func scenarioFolders(path, language string) ([]string, error) {
	place, err := toolchain.Locate(path, language)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	abs, err := filepath.Abs(dir)
	if err != nil || place.ProjectDir == abs {
		return []string{dir}, err
	}
	home := place.ProjectDir
	if rel, err := filepath.Rel(abs, home); err == nil {
		home = filepath.Join(dir, rel) // as the user has named it
	}
	return []string{dir, home}, nil
}

// scenariosIn lists the scenarios in a folder, and in test there.
func scenariosIn(dir string) (files []string) {
	for _, d := range []string{dir, filepath.Join(dir, "test")} {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(d), "*"+scenarioExt)) // a good pattern: no error
		files = append(files, found...)
	}
	return files
}

const scenarioExt = ".scenario"

// escapeGlob makes a pattern of a path that stands for itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(path)
}
