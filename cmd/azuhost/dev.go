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

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/dev"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// devListen is the default address of azuhost dev. It is on loopback because the log and errors of the sources are
// shown to those who connect.
const devListen = "127.0.0.1:4000"

// devOrigins are the default allowed origins of azuhost dev: pages of this machine on any port, such as those of a
// frontend's own development server.
const devOrigins = "http://localhost:*,https://localhost:*,http://127.0.0.1:*,https://127.0.0.1:*"

func devCommand(proc *process) *cobra.Command {
	var (
		src   *configSource
		flags *buildFlags
	)
	cmd := &cobra.Command{
		Use:   "dev [[PATTERN=]FILE|FOLDER]...",
		Short: "Build, serve and reload plugins while you edit them",
		Long: `Build plugins from their sources and serve them with the playground. At every
change of the sources, build them again: the new version answers the next message,
and connections stay open. If a build fails, the previous version keeps running.

A route of the config file whose .wasm file is built from FILE or FOLDER serves
the build, with the path, config and limits of the file. A plugin without a route
is served at the PATTERN in front of it, or at its name: /chat for chat.ts and for
chat/main.ts. Without arguments, this folder is built. The terminal and the
playground show the log and the errors of builds.

The config file is azuhost.yaml here or in the folder of the project. Changes of
it apply at once. The other flags and the environment are those of azuhost serve.
Only this machine can connect, unless listen is set.`,
		Example: `  azuhost dev chat.ts                          ws://localhost:4000/chat
  azuhost dev /rooms/:room_id=./rooms chat.ts
  azuhost dev --listen :8080`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			var o toolchain.Options
			flags.apply(&o, proc)
			return develop(cmd.Context(), src, args, o)
		},
	}
	src = addConfigFlags(cmd, proc)
	cmd.Flags().Lookup("listen").DefValue = devListen
	cmd.ValidArgsFunction = nil // shells complete files
	flags = addBuildFlags(cmd)
	return cmd
}

// devSession is the state of azuhost dev: the projects that it builds and the log that it shows.
type devSession struct {
	projects []*devProject
	changed  chan struct{} // receives when the config file has changed
	level    slog.LevelVar
	events   dev.Events
	console  *dev.Console
}

// enableDev makes s the source of azuhost dev: it starts a session and sets other defaults.
func (s *configSource) enableDev() *dev.Console {
	s.defaults = []config.Setting{{Key: "listen", Text: devListen}, {Key: "allowed_origins", Text: devOrigins}}
	// These override the file and the environment. Flags come after them, and override them.
	s.set = append([]config.Setting{
		{Key: "playground", Text: "true"}, {Key: "watch", Text: "true"}, {Key: "state_dir", Text: ""},
	}, s.set...)
	s.dev = &devSession{changed: make(chan struct{}, 1)}
	s.dev.console = dev.NewConsole(s.proc.stderr, &s.dev.level, isTerminal(s.proc.stderr), &s.dev.events)
	return s.dev.console
}

// develop builds and serves the plugins of args until ctx is done, or SIGINT or SIGTERM is received.
func develop(ctx context.Context, src *configSource, args []string, o toolchain.Options) error {
	out, err := os.MkdirTemp("", "azuhost-dev-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out)
	console := src.enableDev()
	defer src.dev.events.Close()
	if err := src.dev.addProjects(args, out, o.Language); err != nil {
		return err
	}
	if err := src.logDevRoutes(); err != nil {
		return err
	}

	o.Console = lineWriter{console}
	builder, err := dev.NewBuilder(src.dev.builds(), o, console)
	if err != nil {
		return err
	}
	defer builder.Close()
	if file, err := src.findFile(); err == nil && file != "" {
		if err := builder.WatchFile(file); err != nil {
			return err
		}
	}
	for {
		for !builder.Build(ctx) {
			if waitForChange(ctx, builder, func() {
				console.Line(slog.LevelInfo, "", "waiting for a change of the sources")
			}) != nil {
				return nil // ctx is done, or a signal was received
			}
		}
		err := serveAndBuild(ctx, src, builder)
		p := src.dev.projectOf(err)
		if p == nil {
			return err
		}
		// The plugin does not load. As after a failed build, a change of the sources may repair it.
		if waitForChange(ctx, builder, func() {
			text := strings.ReplaceAll(err.Error(), p.Out, filepath.Base(p.Out))
			console.Failure(p.Name, "does not start, waiting for a change of the sources", text)
		}) != nil {
			return nil
		}
	}
}

// waitForChange calls announce and waits until there is something to build, while nothing is served. It returns an
// error if ctx is done, or SIGINT or SIGTERM is received.
func waitForChange(ctx context.Context, builder *dev.Builder, announce func()) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	announce()
	if ctx.Err() == nil && builder.Changed() { // the sources changed during the start
		return nil
	}
	return builder.Wait(ctx)
}

// serveAndBuild serves, and builds projects when their sources change. The server loads a new plugin file by itself.
func serveAndBuild(ctx context.Context, src *configSource, builder *dev.Builder) error {
	ctx, stop := context.WithCancel(ctx)
	var builds sync.WaitGroup
	builds.Go(func() {
		for builder.Wait(ctx) == nil {
			builder.Build(ctx)
			if builder.FileChanged() {
				select {
				case src.dev.changed <- struct{}{}:
				default: // an earlier change has not been handled yet
				}
			}
		}
	})
	defer builds.Wait()
	defer stop()
	return serve(ctx, src)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lineWriter writes the output of tools as lines of the console.
type lineWriter struct{ *dev.Console }

func (w lineWriter) Write(p []byte) (int, error) {
	w.Line(slog.LevelInfo, "", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
