package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/client"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
)

const (
	// defaultAPI is the address of a running azuhost if neither --api nor envAPI is set.
	defaultAPI = "http://127.0.0.1:4001"
	envAPI     = config.EnvAPI
	envToken   = config.EnvPrefix + "INTERNAL_TOKEN"
)

// apiCommand is a command that calls the API of a running azuhost. It holds the flags that these commands share.
type apiCommand struct {
	proc      *process
	address   string
	tokenFile string
	timeout   time.Duration
	json      bool
}

// addAPIFlags adds the flags of an apiCommand to cmd, and refuses empty flags and arguments.
func addAPIFlags(cmd *cobra.Command, proc *process) *apiCommand {
	a := &apiCommand{proc: proc}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&a.address, "api", "",
		"address of the internal listener of azuhost (default: $"+envAPI+", or "+defaultAPI+")")
	fs.StringVar(&a.tokenFile, "token-file", "", "file with its internal_token (default: $"+envToken+")")
	fs.DurationVar(&a.timeout, "timeout", 30*time.Second, "time to wait for the answer")
	fs.BoolVar(&a.json, "json", false, "print JSON")
	for _, name := range []string{"api", "timeout"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if a.timeout <= 0 {
			return &usageError{fmt.Sprintf("--timeout %v: it must be more than 0s", a.timeout)}
		}
		return refuseEmpty(cmd, args)
	}
	return a
}

// addListFlags adds the flags of an apiCommand that lists something of a route, and --limit.
func addListFlags(cmd *cobra.Command, proc *process) (a *apiCommand, limit *int) {
	limit = cmd.Flags().Int("limit", 0, "largest number of entries to list; 0: all")
	_ = cmd.RegisterFlagCompletionFunc("limit", cobra.NoFileCompletions)
	a = addAPIFlags(cmd, proc)
	cmd.ValidArgsFunction = a.completeRoutes
	return a, limit
}

// refuseEmpty refuses empty flags and arguments. An unset variable in a script must not stand for every route, every
// user or no key. A message and a reason may be empty.
func refuseEmpty(cmd *cobra.Command, args []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		empty := f.Value.String() == ""
		if list, ok := f.Value.(pflag.SliceValue); ok {
			empty = slices.Contains(list.GetSlice(), "")
		}
		if empty && f.Name != "reason" && err == nil {
			err = &usageError{fmt.Sprintf("--%s is empty: give it a value, or leave it out", f.Name)}
		}
	})
	if i := slices.Index(args, ""); i >= 0 && cmd.Name() != "publish" && err == nil {
		err = &usageError{fmt.Sprintf("argument %d is empty: give it a value, or leave it out", i+1)}
	}
	return err
}

// client returns a client of the API that the flags and variables name.
func (a *apiCommand) client() (*client.Client, error) {
	token, from := a.proc.getenv(envToken), "$"+envToken
	if a.tokenFile != "" {
		b, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		token, from = string(b), a.tokenFile
	}
	token = strings.TrimSpace(token) // a file ends with a newline
	if admin.CheckToken(token) != nil {
		return nil, fmt.Errorf("token: %s has a control character: write the token alone, on one line", from)
	}
	c, err := client.New(cmp.Or(a.address, a.proc.getenv(envAPI), defaultAPI), token)
	if err != nil {
		return nil, &usageError{"--api: " + err.Error()}
	}
	return c, nil
}

// call calls do with a client and a context that ends at --timeout.
func (a *apiCommand) call(ctx context.Context, do func(context.Context, *client.Client) error) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if err := do(ctx, c); err != nil {
		return a.reportProblem(err)
	}
	return nil
}

// reportProblem prints err if it is a problem and --json is set. It returns err, with the part of a publication that
// was delivered all the same.
func (a *apiCommand) reportProblem(err error) error {
	var p *client.Problem
	if !errors.As(err, &p) {
		return err
	}
	if a.json {
		if err := a.print(p, nil); err != nil {
			return err
		}
	}
	if p.Delivery != nil {
		return fmt.Errorf("%w\nbefore that, it was delivered to %s", err, deliveryText(*p.Delivery))
	}
	return err
}

// post sends a POST request and prints the answer: as JSON with --json, and with print otherwise.
func post[T any](ctx context.Context, a *apiCommand, path string, body any, print func(io.Writer, T)) error {
	var answer T
	err := a.call(ctx, func(ctx context.Context, c *client.Client) error {
		return c.Post(ctx, path, body, &answer)
	})
	if err != nil {
		return err
	}
	return a.print(answer, func(w io.Writer) { print(w, answer) })
}

// table describes how a list is printed.
type table[T any] struct {
	head string // empty: no head
	row  func(T) []any
}

// list gets a list of at most limit items, and prints it: as a JSON array with --json, and as a table otherwise. Limit
// 0 is none.
func list[T any](ctx context.Context, a *apiCommand, path string, query url.Values, limit int, t table[T]) error {
	if limit < 0 {
		return &usageError{fmt.Sprintf("--limit %d: it must be at least 0, which lists all", limit)}
	}
	items := []T{}
	err := a.call(ctx, func(ctx context.Context, c *client.Client) error {
		return client.List(ctx, c, path, query, func(item T) bool {
			items = append(items, item)
			return limit == 0 || len(items) < limit
		})
	})
	if err != nil {
		return err
	}
	return a.print(items, func(w io.Writer) {
		if t.head != "" {
			fmt.Fprintln(w, t.head)
		}
		for _, item := range items {
			cells := t.row(item)
			fmt.Fprintf(w, strings.TrimSuffix(strings.Repeat("%v\t", len(cells)), "\t")+"\n", cells...)
		}
	})
}

// print prints v as JSON with --json. Otherwise it calls table with a writer that aligns columns between tabs.
func (a *apiCommand) print(v any, table func(io.Writer)) error {
	if a.json {
		return writeJSON(a.proc.stdout, v)
	}
	tw := tabwriter.NewWriter(a.proc.stdout, 0, 0, 2, ' ', 0)
	table(tw)
	return tw.Flush()
}

// writeJSON prints v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// pageQuery returns a query of the pairs of names and values that are not empty, for large pages.
func pageQuery(pairs ...string) url.Values {
	q := url.Values{"limit": {"1000"}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// dash returns s, or a dash for an empty cell of a table.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// completeRoutes completes an argument with the routes of a running azuhost.
func (a *apiCommand) completeRoutes(
	cmd *cobra.Command, args []string, _ string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	var paths []string
	// After an error there is nothing to complete.
	_ = client.List(ctx, c, "routes", url.Values{}, func(i host.RouteInfo) bool {
		paths = append(paths, i.Path)
		return true
	})
	return paths, cobra.ShellCompDirectiveNoFileComp
}

// completeRouteFlag completes --route with the routes of a running azuhost.
func (a *apiCommand) completeRouteFlag(cmd *cobra.Command) {
	complete := func(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
		return a.completeRoutes(cmd, nil, text)
	}
	_ = cmd.RegisterFlagCompletionFunc("route", complete)
}
