package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// world is what a command may touch of the process that it runs in.
type world struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    []string
}

// failure is an error of a command that was called rightly.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// errSaid fails a command that has said why already.
var errSaid = errors.New("")

// run runs azuhost with args and returns its exit code. It ends early, as by
// SIGTERM, when ctx is done.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	w := &world{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	root := rootCommand(w)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errSaid) {
		return exitFailure
	}
	fmt.Fprintf(stderr, "azuhost: %v\n", err)
	if fail := (*failure)(nil); errors.As(err, &fail) {
		return exitFailure
	}
	fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	return exitUsage
}

func rootCommand(w *world) *cobra.Command {
	root := &cobra.Command{
		Use:   "azuhost",
		Short: "Serve real-time channels whose logic is in WebAssembly",
		Long: `azuhost serves WebSocket channels. What a channel does is a WebAssembly
plugin, loaded for a path and swapped while sockets stay open.`,
		Example: `  azuhost new typescript chat                make a project
  azuhost dev chat.ts                        build, serve and reload a plugin while you write it
  azuhost build chat.ts                      make a plugin of its sources
  azuhost serve --route /echo=echo.wasm      serve one plugin, without a file
  azuhost serve --config azuhost.yaml        serve what a file says
  azuhost check --config azuhost.yaml        look for mistakes, without serving
  azuhost inspect chat.wasm                  show what a plugin has and asks for
  azuhost token --sub alice                  make a token to connect with
  azuhost publish --all hello                send a message through a running azuhost
  azuhost plugins                            list what a running azuhost serves`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		serveCommand(w),
		checkCommand(w),
		inspectCommand(w),
		healthCommand(w),
		newCommand(w),
		buildCommand(w),
		devCommand(w),
		testCommand(w),
		tokenCommand(w),
		publishCommand(w),
		disconnectCommand(w),
		roomsCommand(w),
		membersCommand(w),
		usersCommand(w),
		onlineCommand(w),
		connectionsCommand(w),
		pluginsCommand(w),
		versionCommand(w),
	)
	for _, c := range root.Commands() {
		c.RunE = failing(c.RunE)
	}
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Args = knownCommand
	}
	return root
}

// knownCommand refuses the name of a command that there is not: help alone says so, but
// ends with 0.
func knownCommand(help *cobra.Command, args []string) error {
	_, rest, err := help.Root().Find(args)
	if err == nil && len(rest) > 0 {
		err = &usageError{fmt.Sprintf("unknown command %q", strings.Join(args, " "))}
	}
	return err
}

// failing marks the errors of a command, so that others are known to be about
// how it was called.
func failing(runE func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := runE(cmd, args)
		if usage := (*usageError)(nil); err == nil || errors.As(err, &usage) {
			return err
		}
		return &failure{err}
	}
}

// usageError is an error about how a command was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }
