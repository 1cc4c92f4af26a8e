package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/dev"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

func devCommand(w *world) *cobra.Command {
	var src *source
	var runtime, language string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "dev [[PATTERN=]FILE|FOLDER]...",
		Short: "Build, serve and reload plugins while you write them",
		Long: `Build plugins from their sources, serve them with the playground, and do so
again at every change: the next message is answered by the new version, and
nobody is disconnected. A build that fails leaves the running version.

What is built takes the place of the .wasm file in the routes of the config file
that name it: path, config and limits are those that azuhost serve would have. A
plugin that no route names is served under its name, /chat for chat.ts and for
chat/main.ts, or under the pattern in front of it. Without an argument, what is
in this folder is served. The log and the errors of builds are shown here and in
the playground.

Other flags, the config file (azuhost.yaml here, or else in the project's folder;
changes of it hold at once) and the environment are those of azuhost serve. Only
this machine can connect, unless listen is set.`,
		Example: `  azuhost dev chat.ts                          ws://localhost:4000/chat
  azuhost dev /rooms/:room_id=./rooms chat.ts
  azuhost dev --listen :8080`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			o := toolchain.Options{Language: language, ScriptTimeout: timeout, Env: w.env, Runtime: jsRuntime(w, runtime, w.stderr)}
			return develop(cmd.Context(), src, args, o)
		},
	}
	src = sourceFlags(cmd, w)
	cmd.Flags().Lookup("listen").DefValue = devListen
	cmd.ValidArgsFunction = nil // files
	languageFlag(cmd, &language)
	runtimeFlag(cmd, &runtime)
	timeoutFlag(cmd, &timeout)
	return cmd
}

// develop serves until ctx is done or a signal says so.
func develop(ctx context.Context, src *source, args []string, o toolchain.Options) error {
	out, err := os.MkdirTemp("", "azuhost-dev-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out)
	console := src.forDev()
	defer src.dev.events.Close()
	if err := src.dev.add(args, out, o.Language); err != nil {
		return err
	}
	if err := src.sayRoutes(); err != nil {
		return err
	}

	o.Console = consoleWriter{console}
	builder, err := dev.NewBuilder(src.dev.builds(), o, console)
	if err != nil {
		return err
	}
	defer builder.Close()
	if file, err := src.find(); err == nil && file != "" {
		if err := builder.WatchFile(file); err != nil {
			return err
		}
	}
	for {
		for !builder.Build(ctx) {
			err := waitForChange(ctx, builder, func() {
				console.Line(slog.LevelInfo, "", "waiting for a change of the sources")
			})
			if err != nil {
				return nil // the end was asked for
			}
		}
		err := developServing(ctx, src, builder)
		p := src.dev.blamed(err)
		if p == nil {
			return err
		}
		// As a build that fails: a change of the sources may mend it.
		err = waitForChange(ctx, builder, func() {
			console.Failure(p.Name, "does not start, waiting for a change of the sources", strings.ReplaceAll(err.Error(), p.Out, filepath.Base(p.Out)))
		})
		if err != nil {
			return nil
		}
	}
}

// devListen is where plugins are served while they are written: to this machine,
// since the log and the sources' errors are shown with them.
const devListen = "127.0.0.1:4000"

// waitForChange says why it waits, and waits for something to build while
// nothing is served: a signal ends it as ctx does.
func waitForChange(ctx context.Context, builder *dev.Builder, say func()) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	say()
	if ctx.Err() == nil && builder.Changed() { // while it was started
		return nil
	}
	return builder.Wait(ctx)
}

// devOutput is what there is of a server while plugins are developed: what is
// built, and where the log goes.
type devOutput struct {
	projects []*devProject
	changed  chan struct{} // the config file
	level    slog.LevelVar
	events   dev.Events
	console  *dev.Console
}

// forDev has the server write its log for people, and serve as suits those who write
// a plugin.
func (s *source) forDev() *dev.Console {
	s.unset = []config.Setting{{Key: "listen", Text: devListen}}
	// What is said on the command line stands above.
	s.set = append([]config.Setting{{Key: "playground", Text: "true"}, {Key: "watch", Text: "true"}, {Key: "state_dir", Text: ""}}, s.set...)
	s.dev = &devOutput{changed: make(chan struct{}, 1)}
	s.dev.console = dev.NewConsole(s.w.stderr, &s.dev.level, isTerminal(s.w.stderr), &s.dev.events)
	return s.dev.console
}

// developServing serves, and builds when sources change.
func developServing(ctx context.Context, src *source, builder *dev.Builder) error {
	ctx, stop := context.WithCancel(ctx)
	var builds sync.WaitGroup
	builds.Go(func() {
		for builder.Wait(ctx) == nil {
			builder.Build(ctx)
			if builder.FileChanged() {
				select {
				case src.dev.changed <- struct{}{}:
				default: // it will be read anyhow
				}
			}
		}
	})
	defer builds.Wait()
	defer stop()
	return serve(ctx, src)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// isTerminal says whether people read what is written.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// consoleWriter writes what tools say as lines.
type consoleWriter struct{ *dev.Console }

func (c consoleWriter) Write(p []byte) (int, error) {
	c.Line(slog.LevelInfo, "", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
