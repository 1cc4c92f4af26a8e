package main

import (
	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

func roomsCommand(proc *process) *cobra.Command {
	var (
		a     *apiCommand
		limit *int
	)
	cmd := &cobra.Command{
		Use:   "rooms ROUTE",
		Short: "List the rooms of a route of a running azuhost",
		Long: `List the rooms of a route that have members, with their numbers of connections and
users. ROUTE is a path as configured.`,
		Example: `  azuhost rooms /rooms/:room_id
  azuhost rooms /rooms/:room_id --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return list(cmd.Context(), a, "rooms", pageQuery("route", args[0]), *limit, roomTable)
		},
	}
	a, limit = addListFlags(cmd, proc)
	return cmd
}

var roomTable = table[host.RoomInfo]{
	head: "ROOM\tCONNECTIONS\tUSERS",
	row:  func(i host.RoomInfo) []any { return []any{i.Name, i.Sockets, i.Users} },
}
