package main

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/client"
	"github.com/azuhost/azuhost/host"
)

func pluginsCommand(proc *process) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "plugins",
		Aliases: []string{"routes"},
		Short:   "List, load and roll back the plugins of a running azuhost",
		Long: `List the routes of a running azuhost with their plugins. The subcommands load the
files of plugins again, go back to the previous version, or end a quarantine.`,
		Example: `  azuhost plugins
  azuhost plugins load /chat
  azuhost plugins rollback /chat`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	a := addAPIFlags(cmd, proc)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return list(cmd.Context(), a, "routes", url.Values{}, 0, routeTable)
	}
	cmd.AddCommand(
		loadCommand(proc),
		reloadCommand(proc),
		rollbackCommand(proc),
		liftCommand(proc),
	)
	for _, c := range cmd.Commands() {
		c.RunE = markFailures(c.RunE)
	}
	return cmd
}

var routeTable = table[host.RouteInfo]{
	head: "ROUTE\tPLUGIN\tVERSION\tSTATE\tINSTANCES\tCONNECTIONS\tFAULTS\tLAST GOOD\tREFUSED",
	row: func(i host.RouteInfo) []any {
		instances := fmt.Sprintf("%d (%s)", i.Running, i.Instances)
		return []any{
			i.Path, i.Plugin, dash(i.Version), i.State, instances, i.Connections, i.Faults,
			dash(i.LastGood), dash(i.Refused),
		}
	},
}

func loadCommand(proc *process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "load ROUTE",
		Short: "Load the plugin file of a route",
		Long: `Load the plugin file of a route, even one that was rolled back. ROUTE is a path
as configured. If the file does not load, the previous version keeps running.`,
		Example: "  azuhost plugins load /chat",
	}
	return routeCommand(cmd, proc, "plugins/load", printChange)
}

func rollbackCommand(proc *process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback ROUTE",
		Short: "Go back to the last good version of a plugin",
		Long: `Replace the plugin of a route by the version that was good before. ROUTE is a path
as configured.`,
		Example: "  azuhost plugins rollback /chat",
	}
	return routeCommand(cmd, proc, "plugins/rollback", printChange)
}

func liftCommand(proc *process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lift ROUTE",
		Short: "End the quarantine of a route",
		Long: `End the quarantine of a route, which refuses new connections after too many
faults. ROUTE is a path as configured.`,
		Example: "  azuhost plugins lift /chat",
	}
	return routeCommand(cmd, proc, "plugins/lift", func(w io.Writer, i host.RouteInfo) {
		fmt.Fprintf(w, "%s: %s\n", i.Path, i.State)
	})
}

// routeCommand completes cmd, whose argument is a route, with a POST request that has the route as its body.
func routeCommand[T any](
	cmd *cobra.Command, proc *process, path string, print func(io.Writer, T),
) *cobra.Command {
	a := addAPIFlags(cmd, proc)
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = a.completeRoutes
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return post(cmd.Context(), a, path, map[string]string{"route": args[0]}, print)
	}
	return cmd
}

func printChange(w io.Writer, c host.VersionChange) {
	if !c.Changed {
		fmt.Fprintf(w, "%s: %s is already running\n", c.Route, c.Version)
		return
	}
	fmt.Fprintf(w, "%s: %s is running, was %s\n", c.Route, c.Version, dash(c.Was))
}

func reloadCommand(proc *process) *cobra.Command {
	var a *apiCommand
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Load the plugin files of all routes",
		Long: `Load the plugin files of all routes. If a file does not load, the previous
version keeps running, and the exit code is 1.`,
		Example:           "  azuhost plugins reload",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.reloadPlugins(cmd.Context())
		},
	}
	a = addAPIFlags(cmd, proc)
	return cmd
}

// reloadResult is the result of a reload for one route: a change or an error.
type reloadResult struct {
	Route  string              `json:"route"`
	Change *host.VersionChange `json:"change,omitempty"`
	Error  *client.Problem     `json:"error,omitempty"`
}

func (a *apiCommand) reloadPlugins(ctx context.Context) error {
	var answer struct{ Items []reloadResult }
	err := a.call(ctx, func(ctx context.Context, c *client.Client) error {
		return c.Post(ctx, "plugins/reload", struct{}{}, &answer)
	})
	if err != nil {
		return err
	}
	failed := false
	for _, i := range answer.Items {
		failed = failed || i.Error != nil
	}
	err = a.print(answer.Items, func(w io.Writer) {
		for _, i := range answer.Items {
			if i.Error != nil {
				fmt.Fprintf(a.proc.stderr, "%s: %s\n", i.Route, i.Error.Detail)
			} else {
				printChange(w, *i.Change)
			}
		}
	})
	if err == nil && failed {
		return errReported
	}
	return err
}
