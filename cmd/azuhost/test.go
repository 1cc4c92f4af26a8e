package main

import (
	"context"
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

// scenarioExt is the suffix of scenario files.
const scenarioExt = ".scenario"

// scenarioTest holds the flags of azuhost test.
type scenarioTest struct {
	proc      *process
	build     toolchain.Options
	scenarios []string
	verbose   bool
	asJSON    bool
	deadline  time.Duration
}

func testCommand(proc *process) *cobra.Command {
	t := &scenarioTest{proc: proc}
	var flags *buildFlags
	cmd := &cobra.Command{
		Use:   "test [FILE|FOLDER]",
		Short: "Play scenarios with a plugin: clients, messages, time",
		Long: `Build a plugin, or take a .wasm file, and play its scenarios: the files
*.scenario in its folder (default: this folder), or in test/ there. For chat.ts,
play chat.scenario if there is one. For src/lib.rs, play those of the project.

A scenario lists who connects, sends and receives messages, and lets time pass. It
opens no port and does not wait. docs/TESTING.md describes all its lines:

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
			flags.apply(&t.build, proc)
			t.build.Console = proc.stderr
			return t.run(cmd.Context(), path)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVarP(&t.scenarios, "scenario", "s", nil,
		"scenario to play; may be repeated (default: those beside the plugin)")
	fs.BoolVarP(&t.verbose, "verbose", "v", false, "print the log of the host")
	fs.BoolVar(&t.asJSON, "json", false, "print the results as JSON")
	fs.DurationVar(&t.deadline, "deadline", 5*time.Second, "time that one hook may run; azuhost serve allows 50ms")
	_ = cmd.MarkFlagFilename("scenario", "scenario")
	flags = addBuildFlags(cmd)
	return cmd
}

// scenarioResult is the result of one scenario, as --json prints it.
type scenarioResult struct {
	Scenario string  `json:"scenario"`
	Passed   bool    `json:"passed"`
	Seconds  float64 `json:"seconds"`
	Error    string  `json:"error,omitempty"`
}

// run builds the plugin at path, plays its scenarios and prints the results.
func (t *scenarioTest) run(ctx context.Context, path string) error {
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
			return reportBuildError(t.proc.stderr, path, err)
		}
	}
	files, err := t.findScenarios(path)
	if err != nil {
		return err
	}
	o := scenario.Options{
		Route:    host.Route{Plugin: plugin, Limits: host.Limits{Deadline: t.deadline}},
		CacheDir: filepath.Join(work, "cache"),
		Log:      t.log(),
	}
	failed := false
	results := make([]scenarioResult, 0, len(files))
	for _, file := range files {
		r := play(ctx, file, o)
		results = append(results, r)
		failed = failed || !r.Passed
		if !t.asJSON {
			r.print(t.proc.stdout)
		}
	}
	if t.asJSON {
		if err := writeJSON(t.proc.stdout, results); err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// log returns the writer of the host's log, or nil for no log.
func (t *scenarioTest) log() io.Writer {
	if t.verbose {
		return t.proc.stderr
	}
	return nil
}

// play plays the scenario in a file.
func play(ctx context.Context, file string, o scenario.Options) scenarioResult {
	begin := time.Now()
	r := scenarioResult{Scenario: file}
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

func (r scenarioResult) print(w io.Writer) {
	if r.Passed {
		fmt.Fprintf(w, "ok    %s (%.2fs)\n", r.Scenario, r.Seconds)
		return
	}
	fmt.Fprintf(w, "FAIL  %s (%.2fs)\n", r.Scenario, r.Seconds)
	fmt.Fprintln(w, "  "+strings.ReplaceAll(strings.TrimSpace(r.Error), "\n", "\n  "))
}

// findScenarios returns the scenarios to play with the plugin at path.
func (t *scenarioTest) findScenarios(path string) ([]string, error) {
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
	return nil, fmt.Errorf("no scenarios: there is no file *%s in %s or in test/ there; "+
		"azuhost test --help shows how to write one", scenarioExt, strings.Join(dirs, ", in "))
}

// scenarioFolders returns the folders that may hold the scenarios of a source file: its own, and that of its project if
// it is another.
func scenarioFolders(path, language string) ([]string, error) {
	location, err := toolchain.Locate(path, language)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	abs, err := filepath.Abs(dir)
	if err != nil || location.ProjectDir == abs {
		return []string{dir}, err
	}
	home := location.ProjectDir
	if rel, err := filepath.Rel(abs, home); err == nil {
		home = filepath.Join(dir, rel) // relative if path is relative
	}
	return []string{dir, home}, nil
}

// scenariosIn returns the scenarios in a folder and in test below it.
func scenariosIn(dir string) (files []string) {
	for _, d := range []string{dir, filepath.Join(dir, "test")} {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(d), "*"+scenarioExt)) // no error: the pattern is valid
		files = append(files, found...)
	}
	return files
}

// escapeGlob returns a pattern that matches only path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(path)
}
