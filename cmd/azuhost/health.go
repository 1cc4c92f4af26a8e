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

// healthCheck holds the flags of azuhost health.
type healthCheck struct {
	internal string
	ready    bool
	json     bool
	timeout  time.Duration
}

// healthAnswer is the answer to a health check, as --json prints it.
type healthAnswer struct {
	Address string `json:"address"`
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Text    string `json:"text"`
}

func healthCommand(proc *process) *cobra.Command {
	src, h := &configSource{proc: proc}, &healthCheck{}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Check whether a running azuhost is healthy",
		Long: `Request /livez from the internal listener of a running azuhost on this machine.
With --ready, request /readyz, which fails while azuhost drains. The address comes
from the configuration. The exit code is 0 if azuhost is healthy and 1 if not. A
container without another HTTP client can use this as its health check.`,
		Example: `  azuhost health
  azuhost health --ready
  azuhost health --internal 127.0.0.1:4001 --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("internal") {
				src.set = []config.Setting{{Key: "internal", Text: h.internal}}
			}
			return h.run(cmd.Context(), src)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&h.ready, "ready", false, "request /readyz: whether azuhost takes new connections")
	fs.StringVarP(&src.file, "config", "c", "", "config file of the running azuhost (default: as for serve)")
	fs.StringVar(&h.internal, "internal", "", "address of the internal listener (default: from the configuration)")
	fs.DurationVar(&h.timeout, "timeout", 3*time.Second, "time to wait for the answer")
	fs.BoolVar(&h.json, "json", false, "print JSON")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// run prints the answer. The error says why azuhost is not healthy.
func (h *healthCheck) run(ctx context.Context, src *configSource) error {
	addr, err := internalAddress(src)
	if err != nil {
		return err
	}
	a := healthAnswer{Address: addr, Path: "/livez"}
	if h.ready {
		a.Path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	if err := a.get(ctx); err != nil {
		return fmt.Errorf("no azuhost answers at %s: %w", addr, err)
	}
	if h.json {
		if err := writeJSON(src.proc.stdout, a); err != nil {
			return err
		}
	}
	switch {
	case a.Status != http.StatusOK:
		return fmt.Errorf("%s answers %d: %s", addr, a.Status, a.Text)
	case !h.json:
		fmt.Fprintln(src.proc.stdout, a.Text)
	}
	return nil
}

// get sets Status and Text to the answer of Address.
func (a *healthAnswer) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Address+a.Path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	res, err := client.Do(req)
	if err != nil {
		return errors.Unwrap(err) // without the URL
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	a.Status, a.Text = res.StatusCode, strings.TrimSpace(string(body))
	return err
}

// internalAddress returns an address at which this machine reaches the internal listener of a configuration. Other
// mistakes in the configuration do not matter.
func internalAddress(src *configSource) (string, error) {
	file, err := src.findFile()
	if usage := (*usageError)(nil); err != nil && !errors.As(err, &usage) {
		return "", err
	}
	if file != "" {
		if _, err := os.Stat(file); err != nil {
			return "", err
		}
	}
	cfg, err := config.Load(config.Source{File: file, Env: src.proc.env, Flags: src.set})
	if cfg.Internal == "" {
		return "", errors.New("the internal listener is off: set internal in the config file")
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
