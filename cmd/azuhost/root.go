package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// run runs azuhost with args and returns its exit code. If ctx is done, a server shuts down as it does at SIGTERM.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	root := rootCommand(&process{stdin: stdin, stdout: stdout, stderr: stderr, env: env})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errReported) {
		return exitFailure
	}
	fmt.Fprintf(stderr, "azuhost: %v\n", err)
	if fail := (*failure)(nil); errors.As(err, &fail) {
		return exitFailure
	}
	fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	return exitUsage
}

func rootCommand(proc *process) *cobra.Command {
	root := &cobra.Command{
		Use:   "azuhost",
		Short: "Serve real-time channels whose logic is in WebAssembly plugins",
		Long: `azuhost serves WebSocket channels. The logic of a channel is a WebAssembly
plugin. A plugin can be replaced while its connections stay open.`,
		Example: `  azuhost new typescript chat                create a project
  azuhost dev chat.ts                        build, serve and reload a plugin while you edit it
  azuhost build chat.ts                      build a plugin from its sources
  azuhost serve --route /echo=echo.wasm      serve a plugin without a config file
  azuhost serve --config azuhost.yaml        serve the routes of a config file
  azuhost check --config azuhost.yaml        find mistakes without serving
  azuhost inspect chat.wasm                  show the hooks and capabilities of a plugin
  azuhost token --sub alice                  create a token for a connection
  azuhost publish --all hello                send a message through a running azuhost
  azuhost plugins                            list the plugins of a running azuhost`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		serveCommand(proc),
		checkCommand(proc),
		inspectCommand(proc),
		healthCommand(proc),
		newCommand(proc),
		buildCommand(proc),
		devCommand(proc),
		testCommand(proc),
		tokenCommand(proc),
		publishCommand(proc),
		disconnectCommand(proc),
		roomsCommand(proc),
		membersCommand(proc),
		usersCommand(proc),
		onlineCommand(proc),
		connectionsCommand(proc),
		pluginsCommand(proc),
		versionCommand(proc),
	)
	for _, c := range root.Commands() {
		c.RunE = markFailures(c.RunE)
	}
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Args = validateHelpArgs
	}
	return root
}

// validateHelpArgs refuses the name of an unknown command. The help command of cobra itself exits with 0 for one.
func validateHelpArgs(help *cobra.Command, args []string) error {
	_, rest, err := help.Root().Find(args)
	if err == nil && len(rest) > 0 {
		err = &usageError{fmt.Sprintf("unknown command %q", strings.Join(args, " "))}
	}
	return err
}
