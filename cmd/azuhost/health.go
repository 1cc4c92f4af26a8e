package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// health is a question to a running azuhost.
type health struct {
	internal string // flag
	ready    bool
	json     bool
	timeout  time.Duration
}

// healthAnswer is what --json prints.
type healthAnswer struct {
	Address string `json:"address"`
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Text    string `json:"text"`
}

func healthCommand(w *world) *cobra.Command {
	src, q := &source{w: w}, &health{}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running azuhost whether it is well",
		Long: `Ask the internal listener of a running azuhost on this machine: /livez, or with
--ready /readyz, which fails while it drains. The address is that of the
configuration. The exit code is 0 if it is well and 1 if not, for health checks
of containers that have no other client in them.`,
		Example: `  azuhost health
  azuhost health --ready
  azuhost health --internal 127.0.0.1:4001 --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("internal") {
				src.set = []config.Setting{{Key: "internal", Text: q.internal}}
			}
			return q.ask(cmd.Context(), src)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&q.ready, "ready", false, "ask /readyz: does it take new connections?")
	fs.StringVarP(&src.file, "config", "c", "", "config file that azuhost runs with (default: as for serve)")
	fs.StringVar(&q.internal, "internal", "", "address of the internal listener (default: that of the configuration)")
	fs.DurationVar(&q.timeout, "timeout", 3*time.Second, "how long to wait for the answer")
	fs.BoolVar(&q.json, "json", false, "print JSON")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

func (q *health) ask(ctx context.Context, src *source) error {
	addr, err := internalAddress(src)
	if err != nil {
		return err
	}
	a := healthAnswer{Address: addr, Path: "/livez"}
	if q.ready {
		a.Path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	if err := a.get(ctx); err != nil {
		return fmt.Errorf("nobody answers at %s: %w", addr, err)
	}
	if q.json {
		if err := writeJSON(src.w.stdout, a); err != nil {
			return err
		}
	}
	switch {
	case a.Status != http.StatusOK:
		return fmt.Errorf("%s answers %d: %s", addr, a.Status, a.Text)
	case !q.json:
		fmt.Fprintln(src.w.stdout, a.Text)
	}
	return nil
}

func (a *healthAnswer) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Address+a.Path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy between us
	res, err := client.Do(req)
	if err != nil {
		return errors.Unwrap(err) // without the URL
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	a.Status, a.Text = res.StatusCode, strings.TrimSpace(string(body))
	return err
}

// internalAddress is where azuhost listens with this configuration, as seen
// from this machine. What else may be wrong with it does not matter here.
func internalAddress(src *source) (string, error) {
	file, err := src.find()
	if usage := (*usageError)(nil); err != nil && !errors.As(err, &usage) {
		return "", err
	}
	if file != "" {
		if _, err := os.Stat(file); err != nil {
			return "", err
		}
	}
	cfg, err := config.Load(config.Source{File: file, Env: src.w.env, Flags: src.set})
	if cfg.Internal == "" {
		return "", errors.New("the internal listener is off: set internal")
	}
	name, port, splitErr := net.SplitHostPort(cfg.Internal)
	if splitErr != nil {
		return "", src.report(err)
	}
	if ip, err := netip.ParseAddr(name); name == "" || err == nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	return net.JoinHostPort(name, port), nil
}
