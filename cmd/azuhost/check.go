package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/host"
)

func checkCommand(w *world) *cobra.Command {
	var (
		src    *source
		values bool
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for mistakes in a configuration and its plugins, without serving",
		Long: `Check the config file, the AZUHOST_ variables, the flags, the plugins and the
routes, as serve would, without serving. All mistakes are printed at once, and
the exit code is then 1.`,
		Example: `  azuhost check
  azuhost check --config azuhost.yaml
  azuhost check --values                     print every key with its value
  azuhost check --route /echo=echo.wasm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return check(cmd.Context(), w, src, values)
		},
	}
	cmd.Flags().BoolVar(&values, "values", false, "print the configuration that results, as a config file")
	src = sourceFlags(cmd, w)
	return cmd
}

// check prints what it finds on stdout and what is wrong on stderr.
func check(ctx context.Context, w *world, src *source, values bool) error {
	cfg, file, err := src.load()
	var probs config.Problems
	if err != nil && !errors.As(err, &probs) {
		return err
	}
	bad := len(probs) > 0
	if bad {
		_ = src.report(err)
	}
	if values {
		if err := cfg.Print(w.stdout); err != nil {
			return err
		}
	} else {
		printRoutes(ctx, w.stdout, file, cfg)
	}
	if _, err := readCertificate(cfg.TLS); err != nil && !probs.About("tls") {
		fmt.Fprintln(w.stderr, err)
		bad = true
	}
	// Routes with a mistake of their own would only be reported twice.
	o := cfg.Options()
	o.Log = newLog(w.stderr, config.Log{Format: cfg.Log.Format, Level: "warn"}, new(slog.LevelVar))
	o.Routes = slices.DeleteFunc(o.Routes, func(r host.Route) bool { return probs.Concerns(r.Path) })
	if err := host.Check(ctx, o); err != nil {
		fmt.Fprintln(w.stderr, err)
		bad = true
	}
	if bad {
		return errSaid
	}
	if !values {
		fmt.Fprintln(w.stdout, "ok")
	}
	return nil
}

func printRoutes(ctx context.Context, w io.Writer, file string, cfg *config.Config) {
	if file == "" {
		file = "no config file"
	}
	fmt.Fprintf(w, "%s: %d routes\n", file, len(cfg.Routes))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range cfg.Routes {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", r.Path, r.Plugin, r.Instances, summary(ctx, string(r.Plugin)))
	}
	tw.Flush()
}

// summary says in a few words what a plugin is.
func summary(ctx context.Context, name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return "(not there)"
	}
	info, err := host.Inspect(ctx, data)
	if err != nil {
		return "(not read)"
	}
	if info.Problem != "" {
		return "(does not load)"
	}
	return fmt.Sprintf("%s  ABI v%d  %s", info.Version, info.ABI, strings.Join(info.Hooks, " "))
}
