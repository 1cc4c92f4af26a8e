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
		Args: flagsOnly,
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
	infos := make([]*host.Info, len(cfg.Routes))
	for i, r := range cfg.Routes {
		infos[i] = inspectRoute(ctx, r)
		if infos[i] == nil {
			continue
		}
		if infos[i].Problem != "" {
			probs = append(probs, cfg.PluginProblem(r, infos[i].Problem))
		} else if _, err := infos[i].Denied(r.Capabilities()); err != nil && !misspelt(r) {
			probs = append(probs, cfg.PluginProblem(r, err.Error()))
		}
	}
	if values {
		err = cfg.Print(w.stdout)
	} else {
		err = printRoutes(w.stdout, file, cfg, infos)
	}
	if err != nil {
		return err
	}
	for _, p := range probs {
		fmt.Fprintln(w.stderr, p)
	}
	if err := checkHost(ctx, w, cfg, probs); err != nil {
		fmt.Fprintln(w.stderr, err)
	} else if len(probs) == 0 {
		if !values {
			fmt.Fprintln(w.stdout, "ok")
		}
		return nil
	}
	return errSaid
}

// misspelt says that a route's allow names what is no capability: the host says so.
func misspelt(r config.Route) bool {
	return slices.ContainsFunc(r.Capabilities(), func(c host.Capability) bool { return !c.Known() })
}

// checkHost finds what shows only where it is tried: certificates, plugins,
// routes that conflict. What has a mistake of its own it leaves out: that would be
// reported twice.
func checkHost(ctx context.Context, w *world, cfg *config.Config, known config.Problems) error {
	var errs []error
	if !known.HasKey("tls") {
		_, err := readCertificate(cfg.TLS)
		errs = append(errs, err)
	}
	o := cfg.Options()
	o.Log = newLog(w.stderr, config.Log{Format: cfg.Log.Format, Level: "warn"}, new(slog.LevelVar))
	o.Routes = slices.DeleteFunc(o.Routes, func(r host.Route) bool { return known.HasRoute(r.Path) })
	if known.HasKey("auth") {
		o.Auth = nil
		for i := range o.Routes {
			o.Routes[i].Auth = ""
		}
	}
	for key, list := range map[string]*[]string{
		"allowed_origins": &o.AllowedOrigins, "allowed_hosts": &o.AllowedHosts, "trusted_proxies": &o.TrustedProxies,
	} {
		if known.HasKey(key) {
			*list = nil
		}
	}
	return errors.Join(append(errs, host.Check(ctx, o))...)
}

func printRoutes(w io.Writer, file string, cfg *config.Config, infos []*host.Info) error {
	if file == "" {
		file = "no config file"
	}
	plural := "s"
	if len(cfg.Routes) == 1 {
		plural = ""
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%s: %d route%s\n", file, len(cfg.Routes), plural)
	for i, r := range cfg.Routes {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", r.Path, r.Plugin, r.Instances, summary(infos[i], r))
	}
	return tw.Flush()
}

// inspectRoute describes the plugin of a route; nil where it cannot be read.
func inspectRoute(ctx context.Context, r config.Route) *host.Info {
	data, err := os.ReadFile(string(r.Plugin))
	if err != nil {
		return nil
	}
	info, err := host.Inspect(ctx, data)
	if err != nil {
		return nil
	}
	return info
}

// summary says in a few words what a plugin is.
func summary(info *host.Info, r config.Route) string {
	switch {
	case info == nil:
		return "(not there)"
	case info.Problem != "":
		return "(does not load)"
	}
	without, err := info.Denied(r.Capabilities())
	if err != nil {
		return "(asks for more than allow grants)"
	}
	text := fmt.Sprintf("%s  ABI v%d  %s", info.Version, info.ABI, strings.Join(info.Hooks, " "))
	if len(without) > 0 {
		text += fmt.Sprintf("  without %s, which allow does not grant", joined(without))
	}
	return text
}
