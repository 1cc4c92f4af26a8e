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

func pluginsCommand(w *world) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "plugins",
		Aliases: []string{"routes"},
		Short:   "List the plugins of a running azuhost, load them anew or go back",
		Long: `List the routes of a running azuhost with their plugins, load the files of plugins
anew, go back to the version before, or end a quarantine.`,
		Example: `  azuhost plugins
  azuhost plugins load /chat
  azuhost plugins rollback /chat`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	r := remoteFlags(cmd, w)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return list(cmd.Context(), r, "routes", url.Values{}, 0, "ROUTE\tPLUGIN\tVERSION\tSTATE\tINSTANCES\tCONNECTIONS\tFAULTS\tLAST GOOD\tREFUSED",
			func(i host.RouteInfo) []any {
				return []any{i.Path, i.Plugin, dash(i.Version), i.State, fmt.Sprintf("%d (%s)", i.Running, i.Instances), i.Connections, i.Faults, dash(i.LastGood), dash(i.Refused)}
			})
	}
	cmd.AddCommand(
		pluginCommand(w, "load", "Load the file of a route's plugin, also one that was rolled back", printChange),
		reloadCommand(w),
		pluginCommand(w, "rollback", "Go back to the version of a plugin that was good before", printChange),
		pluginCommand(w, "lift", "End the quarantine of a route", func(w io.Writer, i host.RouteInfo) { fmt.Fprintf(w, "%s: %s\n", i.Path, i.State) }),
	)
	for _, c := range cmd.Commands() {
		c.RunE = failing(c.RunE)
	}
	return cmd
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// pluginCommand is a command about the plugin of one route.
func pluginCommand[T any](w *world, verb, short string, print func(io.Writer, T)) *cobra.Command {
	var r *remote
	cmd := &cobra.Command{
		Use:     verb + " ROUTE",
		Short:   short,
		Example: "  azuhost plugins " + verb + " /chat",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return post(cmd.Context(), r, "plugins/"+verb, map[string]string{"route": args[0]}, print)
		},
	}
	r = remoteFlags(cmd, w)
	cmd.ValidArgsFunction = r.completeRoutes
	return cmd
}

func printChange(w io.Writer, c host.VersionChange) {
	if !c.Changed {
		fmt.Fprintf(w, "%s: %s runs already\n", c.Route, c.Version)
		return
	}
	fmt.Fprintf(w, "%s: %s runs, was %s\n", c.Route, c.Version, dash(c.Was))
}

// reloaded is what became of the plugin of one route.
type reloaded struct {
	Route  string              `json:"route"`
	Change *host.VersionChange `json:"change,omitempty"`
	Error  *client.Problem     `json:"error,omitempty"`
}

func reloadCommand(w *world) *cobra.Command {
	var r *remote
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Load the files of all plugins",
		Long: `Load the files of all plugins. One that does not load leaves the version that
runs; the exit code is then 1.`,
		Example:           "  azuhost plugins reload",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.reload(cmd.Context())
		},
	}
	r = remoteFlags(cmd, w)
	return cmd
}

func (r *remote) reload(ctx context.Context) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var answer struct{ Items []reloaded }
	if err := c.Post(ctx, "plugins/reload", struct{}{}, &answer); err != nil {
		return r.failed(err)
	}
	failed := false
	for _, i := range answer.Items {
		failed = failed || i.Error != nil
	}
	err = r.print(answer.Items, func(w io.Writer) {
		for _, i := range answer.Items {
			if i.Error != nil {
				fmt.Fprintf(r.w.stderr, "%s: %s\n", i.Route, i.Error.Detail)
			} else {
				printChange(w, *i.Change)
			}
		}
	})
	if err == nil && failed {
		return errSaid
	}
	return err
}
