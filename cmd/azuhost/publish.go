package main

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

// publication is the body of publish, as docs/API.md has it.
type publication struct {
	Route  string   `json:"route,omitempty"`
	Room   string   `json:"room,omitempty"`
	Users  []string `json:"users,omitempty"`
	All    bool     `json:"all,omitempty"`
	Text   *string  `json:"text,omitempty"`
	Binary *[]byte  `json:"binary,omitempty"`
	Key    string   `json:"key,omitempty"`
}

func publishCommand(w *world) *cobra.Command {
	var (
		r      *remote
		p      publication
		binary bool
	)
	cmd := &cobra.Command{
		Use:   "publish (--room NAME | --user NAME... | --all) MESSAGE|-",
		Short: "Send a message through a running azuhost",
		Long: `Send a message to a room, to users or to everybody, and say how many connections
it went to. - reads the message from standard input. A plugin with on_publish is
asked first, and may change, refuse or route it.`,
		Example: `  azuhost publish --route /rooms/:room_id --room 42 'hello, room'
  azuhost publish --user alice --user bob '{"type":"invoice"}'
  azuhost publish --all --key maintenance-1 'back in five minutes'
  azuhost publish --route /images --all --binary - <picture.png`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Room != "" && p.Route == "" {
				return &usageError{"a room needs its --route"}
			}
			if err := p.message(w, args[0], binary); err != nil {
				return err
			}
			return post(cmd.Context(), r, "publish", p, printDelivery("delivered"))
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&p.Route, "route", "r", "", "path of the route, as configured; with --user and --all the default is every route")
	fs.StringVar(&p.Room, "room", "", "to the members of this room")
	fs.StringArrayVarP(&p.Users, "user", "u", nil, "to all connections of this user; may be repeated")
	fs.BoolVar(&p.All, "all", false, "to all connections")
	fs.BoolVar(&binary, "binary", false, "send a binary message; else it is text, and UTF-8")
	fs.StringVar(&p.Key, "key", "", "idempotency key: the same one again, within 5 minutes, sends nothing")
	r = remoteFlags(cmd, w)
	cmd.MarkFlagsOneRequired("room", "user", "all")
	cmd.MarkFlagsMutuallyExclusive("room", "user", "all")
	r.routeFlag(cmd)
	for _, name := range []string{"room", "user", "key"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// routeFlag has shells complete --route.
func (r *remote) routeFlag(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("route", func(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
		return r.completeRoutes(cmd, nil, text)
	})
}

// message takes the message from an argument, or from standard input.
func (p *publication) message(w *world, arg string, binary bool) error {
	data := []byte(arg)
	if arg == "-" {
		var err error
		if data, err = io.ReadAll(w.stdin); err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
	}
	if binary {
		p.Binary = &data
		return nil
	}
	if !utf8.Valid(data) {
		return &usageError{"the message is not UTF-8: send it with --binary"}
	}
	text := string(data)
	p.Text = &text
	return nil
}

// disconnection is the body of disconnect.
type disconnection struct {
	Route  string `json:"route,omitempty"`
	Conn   string `json:"conn,omitempty"`
	User   string `json:"user,omitempty"`
	Code   int    `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func disconnectCommand(w *world) *cobra.Command {
	var (
		r *remote
		d disconnection
	)
	cmd := &cobra.Command{
		Use:     "disconnect (CONNECTION | --user NAME)",
		Aliases: []string{"kick"},
		Short:   "Close a connection, or all those of a user",
		Long: `Close a connection, whose id azuhost connections lists, or all those of a user.
That there is none is no failure.`,
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
				return &usageError{"--code 0 is none: leave it out for 1008"}
			}
			return post(cmd.Context(), r, "disconnect", d, printDelivery("closed"))
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&d.User, "user", "u", "", "all connections of this user")
	fs.StringVarP(&d.Route, "route", "r", "", "only those of this route (default: every route)")
	fs.IntVar(&d.Code, "code", 0, "close code: 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999 (default: 1008)")
	fs.StringVar(&d.Reason, "reason", "", "reason for the client, at most 123 bytes")
	r = remoteFlags(cmd, w)
	r.routeFlag(cmd)
	for _, name := range []string{"user", "code", "reason"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// printDelivery says what became of a request in words.
func printDelivery(verb string) func(io.Writer, host.Delivery) {
	return func(w io.Writer, d host.Delivery) {
		what := map[string]string{"delivered": "delivered to ", "closed": "closed "}[verb]
		if d.Duplicate {
			what = "sent before: was " + what
		}
		fmt.Fprintln(w, what+reached(d))
	}
}

// reached says how far a message has gone.
func reached(d host.Delivery) string {
	text := count(d.Sockets, "connection") + " on " + count(d.Nodes, "node")
	if d.Partial {
		text += ", and perhaps more: not all nodes have answered"
	}
	return text
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}
