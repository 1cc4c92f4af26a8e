package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

func connectionsCommand(proc *process) *cobra.Command {
	var (
		a     *apiCommand
		limit *int
	)
	cmd := &cobra.Command{
		Use:   "connections [ROUTE]",
		Short: "List the connections of a running azuhost",
		Long: `List the connections of a route, or of all routes. ROUTE is a path as configured.
azuhost disconnect closes a connection by its id, the first column.`,
		Example: `  azuhost connections
  azuhost connections /chat --limit 20 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			route := ""
			if len(args) > 0 {
				route = args[0]
			}
			return list(cmd.Context(), a, "connections", pageQuery("route", route), *limit, connectionTable)
		},
	}
	a, limit = addListFlags(cmd, proc)
	return cmd
}

func membersCommand(proc *process) *cobra.Command {
	var (
		a     *apiCommand
		limit *int
	)
	cmd := &cobra.Command{
		Use:   "members ROUTE ROOM",
		Short: "List the connections in a room of a running azuhost",
		Long: `List the connections in a room of a route. ROUTE is a path as configured, and
azuhost rooms lists the rooms.`,
		Example: `  azuhost members /rooms/:room_id 42
  azuhost members /rooms/:room_id 42 --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := pageQuery("route", args[0], "room", args[1])
			return list(cmd.Context(), a, "members", query, *limit, connectionTable)
		},
	}
	a, limit = addListFlags(cmd, proc)
	return cmd
}

var connectionTable = table[host.ConnInfo]{
	head: "CONNECTION\tUSER\tADDRESS\tROOMS\tSINCE\tQUEUED\tROUTE",
	row: func(i host.ConnInfo) []any {
		since := i.Since.Local().Format(time.DateTime)
		return []any{i.ID, dash(i.User), i.RemoteAddr, i.Rooms, since, i.QueuedBytes, i.Route}
	},
}
