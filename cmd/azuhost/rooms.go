package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

func roomsCommand(w *world) *cobra.Command {
	var (
		r     *remote
		limit *int
	)
	cmd := &cobra.Command{
		Use:     "rooms ROUTE",
		Short:   "List the rooms of a route of a running azuhost",
		Example: "  azuhost rooms /rooms/:room_id\n  azuhost rooms /rooms/:room_id --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return list(cmd.Context(), r, "rooms", pageQuery("route", args[0]), *limit, "ROOM\tCONNECTIONS\tUSERS",
				func(i host.RoomInfo) []any { return []any{i.Name, i.Sockets, i.Users} })
		},
	}
	r, limit = listFlags(cmd, w)
	return cmd
}

// connRow is a line of the tables of connections.
func connRow(i host.ConnInfo) []any {
	return []any{i.ID, dash(i.User), i.RemoteAddr, i.Rooms, i.Since.Local().Format(time.DateTime), i.QueuedBytes, i.Route}
}

const connHead = "CONNECTION\tUSER\tADDRESS\tROOMS\tSINCE\tQUEUED\tROUTE"

func membersCommand(w *world) *cobra.Command {
	var (
		r     *remote
		limit *int
	)
	cmd := &cobra.Command{
		Use:     "members ROUTE ROOM",
		Short:   "List the connections in a room of a running azuhost",
		Example: "  azuhost members /rooms/:room_id 42",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return list(cmd.Context(), r, "members", pageQuery("route", args[0], "room", args[1]), *limit, connHead, connRow)
		},
	}
	r, limit = listFlags(cmd, w)
	return cmd
}

func connectionsCommand(w *world) *cobra.Command {
	var (
		r     *remote
		limit *int
	)
	cmd := &cobra.Command{
		Use:     "connections [ROUTE]",
		Short:   "List the connections of a running azuhost",
		Example: "  azuhost connections\n  azuhost connections /chat --limit 20 --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			route := append(args, "")[0]
			return list(cmd.Context(), r, "connections", pageQuery("route", route), *limit, connHead, connRow)
		},
	}
	r, limit = listFlags(cmd, w)
	return cmd
}

func usersCommand(w *world) *cobra.Command {
	var (
		r     *remote
		limit *int
	)
	cmd := &cobra.Command{
		Use:     "users ROUTE [ROOM]",
		Aliases: []string{"presence"},
		Short:   "List the users who are present in a channel, or in a room of it",
		Example: "  azuhost users /chat\n  azuhost presence /rooms/:room_id 42",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			room := append(args[1:], "")[0]
			return list(cmd.Context(), r, "presence", pageQuery("route", args[0], "room", room), *limit, "",
				func(user string) []any { return []any{user} })
		},
	}
	r, limit = listFlags(cmd, w)
	return cmd
}

func onlineCommand(w *world) *cobra.Command {
	var r *remote
	cmd := &cobra.Command{
		Use:     "online ROUTE USER",
		Short:   "Say whether a user is present: online or offline",
		Example: "  azuhost online /chat alice",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.online(cmd.Context(), args[0], args[1])
		},
	}
	r = remoteFlags(cmd, w)
	cmd.ValidArgsFunction = r.completeRoutes
	return cmd
}

func (r *remote) online(ctx context.Context, route, user string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var answer struct {
		Online bool `json:"online"`
	}
	if err := c.Get(ctx, "online", url.Values{"route": {route}, "user": {user}}, &answer); err != nil {
		return r.failed(err)
	}
	return r.print(answer, func(w io.Writer) {
		fmt.Fprintln(w, map[bool]string{true: "online", false: "offline"}[answer.Online])
	})
}
