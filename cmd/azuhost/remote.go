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

// Where a running azuhost is, unless somebody says so.
const (
	defaultAPI = "http://127.0.0.1:4001"
	envAPI     = config.EnvAPI
	envToken   = "AZUHOST_INTERNAL_TOKEN"
)

// remote is a command that speaks to a running azuhost.
type remote struct {
	w         *world
	address   string
	tokenFile string
	timeout   time.Duration
	json      bool
}

// remoteFlags adds the flags that all these commands have.
func remoteFlags(cmd *cobra.Command, w *world) *remote {
	r := &remote{w: w}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&r.address, "api", "", "address of the internal listener of azuhost (default: $"+envAPI+", else "+defaultAPI+")")
	fs.StringVar(&r.tokenFile, "token-file", "", "file with its internal_token (default: $"+envToken+")")
	fs.DurationVar(&r.timeout, "timeout", 30*time.Second, "how long to wait for the answer")
	fs.BoolVar(&r.json, "json", false, "print JSON")
	for _, name := range []string{"api", "timeout"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if r.timeout <= 0 {
			return &usageError{fmt.Sprintf("--timeout %v: want more than 0s", r.timeout)}
		}
		return refuseEmpty(cmd, args)
	}
	return r
}

// refuseEmpty refuses what is given and empty: a variable of a script that is not set
// must not mean every route, every user or no key. A message and a reason may be empty.
func refuseEmpty(cmd *cobra.Command, args []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		empty := f.Value.String() == ""
		if list, ok := f.Value.(pflag.SliceValue); ok {
			empty = slices.Contains(list.GetSlice(), "")
		}
		if empty && f.Name != "reason" && err == nil {
			err = &usageError{fmt.Sprintf("--%s is empty: say what it is, or leave it out", f.Name)}
		}
	})
	if i := slices.Index(args, ""); i >= 0 && cmd.Name() != "publish" && err == nil {
		err = &usageError{fmt.Sprintf("argument %d is empty: say what it is, or leave it out", i+1)}
	}
	return err
}

// getenv is a variable of the environment.
func (w *world) getenv(name string) (value string) {
	for _, kv := range w.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v // the last one holds
		}
	}
	return value
}

func (r *remote) client() (*client.Client, error) {
	token, from := r.w.getenv(envToken), "$"+envToken
	if r.tokenFile != "" {
		b, err := os.ReadFile(r.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		token, from = string(b), r.tokenFile
	}
	token = strings.TrimSpace(token) // files end in a newline, and what is read from them
	if admin.CheckToken(token) != nil {
		return nil, fmt.Errorf("token: %s has a control character in it: want the token alone, in one line", from)
	}
	c, err := client.New(cmp.Or(r.address, r.w.getenv(envAPI), defaultAPI), token)
	if err != nil {
		return nil, &usageError{"--api: " + err.Error()}
	}
	return c, nil
}

// post has something done, and prints the answer: as JSON, or as print has it.
func post[T any](ctx context.Context, r *remote, path string, body any, print func(io.Writer, T)) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var answer T
	if err := c.Post(ctx, path, body, &answer); err != nil {
		return r.failed(err)
	}
	return r.print(answer, func(w io.Writer) { print(w, answer) })
}

// failed prints the problem that an error is where JSON was asked for, and gives an error
// that says what was done all the same.
func (r *remote) failed(err error) error {
	var p *client.Problem
	if !errors.As(err, &p) {
		return err
	}
	if r.json {
		if err := r.print(p, nil); err != nil {
			return err
		}
	}
	if p.Delivery != nil {
		return fmt.Errorf("%w\nall the same it went to %s", err, reached(*p.Delivery))
	}
	return err
}

// list prints a list: as a JSON array, or as a table. limit 0: all of it.
func list[T any](ctx context.Context, r *remote, path string, query url.Values, limit int, head string, row func(T) []any) error {
	if limit < 0 {
		return &usageError{fmt.Sprintf("--limit %d: want 0 for all, or more", limit)}
	}
	c, err := r.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	items := []T{}
	err = client.List(ctx, c, path, query, func(item T) bool {
		items = append(items, item)
		return limit == 0 || len(items) < limit
	})
	if err != nil {
		return r.failed(err)
	}
	return r.print(items, func(w io.Writer) {
		if head != "" {
			fmt.Fprintln(w, head)
		}
		for _, item := range items {
			cells := row(item)
			fmt.Fprintf(w, strings.TrimSuffix(strings.Repeat("%v\t", len(cells)), "\t")+"\n", cells...)
		}
	})
}

// print prints JSON where it was asked for, and else what table writes.
func (r *remote) print(v any, table func(io.Writer)) error {
	if r.json {
		e := json.NewEncoder(r.w.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	tw := tabwriter.NewWriter(r.w.stdout, 0, 0, 2, ' ', 0)
	table(tw)
	return tw.Flush()
}

// listFlags adds the flags of lists of a route, which may be long.
func listFlags(cmd *cobra.Command, w *world) (r *remote, limit *int) {
	limit = cmd.Flags().Int("limit", 0, "the most to list; 0: all")
	_ = cmd.RegisterFlagCompletionFunc("limit", cobra.NoFileCompletions)
	r = remoteFlags(cmd, w)
	cmd.ValidArgsFunction = r.completeRoutes
	return r, limit
}

// pageQuery is a query for large pages.
func pageQuery(pairs ...string) url.Values {
	q := url.Values{"limit": {"1000"}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// completeRoutes has shells complete the paths of routes, which a running
// azuhost knows.
func (r *remote) completeRoutes(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := r.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	var paths []string
	_ = client.List(ctx, c, "routes", url.Values{}, func(i host.RouteInfo) bool { // else there is nothing to complete
		paths = append(paths, i.Path)
		return true
	})
	return paths, cobra.ShellCompDirectiveNoFileComp
}
