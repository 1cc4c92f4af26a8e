package main

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/client"
)

func usersCommand(proc *process) *cobra.Command {
	var (
		a     *apiCommand
		limit *int
	)
	cmd := &cobra.Command{
		Use:     "users ROUTE [ROOM]",
		Aliases: []string{"presence"},
		Short:   "List the present users of a route, or of a room",
		Long: `List the users who are present on a route of a running azuhost, or in a room of
it. ROUTE is a path as configured, and azuhost rooms lists the rooms.`,
		Example: `  azuhost users /chat
  azuhost presence /rooms/:room_id 42`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			room := ""
			if len(args) > 1 {
				room = args[1]
			}
			query := pageQuery("route", args[0], "room", room)
			names := table[string]{row: func(user string) []any { return []any{user} }}
			return list(cmd.Context(), a, "presence", query, *limit, names)
		},
	}
	a, limit = addListFlags(cmd, proc)
	return cmd
}

func onlineCommand(proc *process) *cobra.Command {
	var a *apiCommand
	cmd := &cobra.Command{
		Use:   "online ROUTE USER",
		Short: "Print whether a user is present: online or offline",
		Long: `Print online if a user is present on a route of a running azuhost, and offline
otherwise. ROUTE is a path as configured. The exit code is 0 in both cases.`,
		Example: `  azuhost online /chat alice
  azuhost online /chat alice --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.printOnline(cmd.Context(), args[0], args[1])
		},
	}
	a = addAPIFlags(cmd, proc)
	cmd.ValidArgsFunction = a.completeRoutes
	return cmd
}

func (a *apiCommand) printOnline(ctx context.Context, route, user string) error {
	var answer struct {
		Online bool `json:"online"`
	}
	err := a.call(ctx, func(ctx context.Context, c *client.Client) error {
		return c.Get(ctx, "online", url.Values{"route": {route}, "user": {user}}, &answer)
	})
	if err != nil {
		return err
	}
	return a.print(answer, func(w io.Writer) {
		if answer.Online {
			fmt.Fprintln(w, "online")
		} else {
			fmt.Fprintln(w, "offline")
		}
	})
}
