package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

// disconnection is the body of a disconnect request (docs/API.md).
type disconnection struct {
	Route  string `json:"route,omitempty"`
	Conn   string `json:"conn,omitempty"`
	User   string `json:"user,omitempty"`
	Code   int    `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func disconnectCommand(proc *process) *cobra.Command {
	var (
		a *apiCommand
		d disconnection
	)
	cmd := &cobra.Command{
		Use:     "disconnect (CONNECTION | --user NAME)",
		Aliases: []string{"kick"},
		Short:   "Close a connection, or all connections of a user",
		Long: `Close a connection, or all connections of a user, and print their number.
CONNECTION is an id that azuhost connections lists. The exit code is also 0 if
there is no such connection.`,
		Example: `  azuhost disconnect node-1.42
  azuhost kick --user mallory --code 4003 --reason 'see the rules'
  azuhost kick --route /chat --user mallory`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				d.Conn = args[0]
			}
			if (d.Conn == "") == (d.User == "") {
				return &usageError{"name either a connection or a --user"}
			}
			if d.Code == 0 && cmd.Flags().Changed("code") {
				return &usageError{"--code 0 is not a close code: leave it out for 1008"}
			}
			return post(cmd.Context(), a, "disconnect", d, printDisconnected)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&d.User, "user", "u", "", "close all connections of this user")
	fs.StringVarP(&d.Route, "route", "r", "", "close only connections of this route (default: every route)")
	fs.IntVar(&d.Code, "code", 0, "close code: 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999 (default: 1008)")
	fs.StringVar(&d.Reason, "reason", "", "reason for the client, at most 123 bytes")
	a = addAPIFlags(cmd, proc)
	a.completeRouteFlag(cmd)
	for _, name := range []string{"user", "code", "reason"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func printDisconnected(w io.Writer, d host.Delivery) {
	fmt.Fprintf(w, "closed %s\n", deliveryText(d))
}
