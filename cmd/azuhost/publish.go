package main

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host"
)

// publication is the body of a publish request (docs/API.md).
type publication struct {
	Route  string   `json:"route,omitempty"`
	Room   string   `json:"room,omitempty"`
	Users  []string `json:"users,omitempty"`
	All    bool     `json:"all,omitempty"`
	Text   *string  `json:"text,omitempty"`
	Binary *[]byte  `json:"binary,omitempty"`
	Key    string   `json:"key,omitempty"`
}

func publishCommand(proc *process) *cobra.Command {
	var (
		a      *apiCommand
		p      publication
		binary bool
	)
	cmd := &cobra.Command{
		Use:   "publish (--room NAME | --user NAME... | --all) MESSAGE|-",
		Short: "Send a message through a running azuhost",
		Long: `Send MESSAGE to a room, to users or to all connections, and print how many
connections received it. - reads the message from standard input. A plugin with
on_publish receives the message first. It may change, refuse or route it.`,
		Example: `  azuhost publish --route /rooms/:room_id --room 42 'hello, room'
  azuhost publish --user alice --user bob '{"type":"invoice"}'
  azuhost publish --all --key maintenance-1 'back in five minutes'
  azuhost publish --route /images --all --binary - <picture.png`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Room != "" && p.Route == "" {
				return &usageError{"a room needs its --route"}
			}
			if err := p.setMessage(proc, args[0], binary); err != nil {
				return err
			}
			return post(cmd.Context(), a, "publish", p, printPublished)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&p.Route, "route", "r", "",
		"path of the route, as configured (default with --user and --all: every route)")
	fs.StringVar(&p.Room, "room", "", "send to the members of this room")
	fs.StringArrayVarP(&p.Users, "user", "u", nil, "send to all connections of this user; may be repeated")
	fs.BoolVar(&p.All, "all", false, "send to all connections")
	fs.BoolVar(&binary, "binary", false, "send a binary message, which need not be UTF-8")
	fs.StringVar(&p.Key, "key", "", "idempotency key: a second message with this key within 5 minutes is not sent")
	a = addAPIFlags(cmd, proc)
	cmd.MarkFlagsOneRequired("room", "user", "all")
	cmd.MarkFlagsMutuallyExclusive("room", "user", "all")
	a.completeRouteFlag(cmd)
	for _, name := range []string{"room", "user", "key"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// setMessage sets Text or Binary to arg, or to the standard input if arg is "-".
func (p *publication) setMessage(proc *process, arg string, binary bool) error {
	data := []byte(arg)
	if arg == "-" {
		var err error
		if data, err = io.ReadAll(proc.stdin); err != nil {
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

func printPublished(w io.Writer, d host.Delivery) {
	prefix := ""
	if d.Duplicate {
		prefix = "sent before: "
	}
	fmt.Fprintf(w, "%sdelivered to %s\n", prefix, deliveryText(d))
}

// deliveryText returns the numbers of connections and nodes in words.
func deliveryText(d host.Delivery) string {
	text := countText(d.Sockets, "connection") + " on " + countText(d.Nodes, "node")
	if d.Partial {
		text += ", and perhaps more: not all nodes have answered"
	}
	return text
}

// countText returns n with a noun, as in "1 node" and "2 nodes".
func countText(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
