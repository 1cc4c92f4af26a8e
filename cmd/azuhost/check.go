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

func checkCommand(proc *process) *cobra.Command {
	var (
		src    *configSource
		values bool
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Find mistakes in a configuration and its plugins, without serving",
		Long: `Check the configuration that azuhost serve would use: the config file, the
AZUHOST_ variables, the flags, the plugins and the routes. All mistakes are
printed. The exit code is 1 if there is one.`,
		Example: `  azuhost check
  azuhost check --config azuhost.yaml
  azuhost check --values                     print every key with its value
  azuhost check --route /echo=echo.wasm`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return checkConfig(cmd.Context(), proc, src, values)
		},
	}
	cmd.Flags().BoolVar(&values, "values", false, "print the resulting configuration as a config file")
	src = addConfigFlags(cmd, proc)
	return cmd
}

// checkConfig prints the routes, or the values of all keys, to stdout and the mistakes to stderr.
func checkConfig(ctx context.Context, proc *process, src *configSource, values bool) error {
	cfg, file, err := src.load()
	var probs config.Problems
	if err != nil && !errors.As(err, &probs) {
		return err
	}
	infos, pluginProbs := inspectRoutes(ctx, cfg)
	probs = append(probs, pluginProbs...)
	if values {
		err = cfg.Print(proc.stdout)
	} else {
		err = printRoutes(proc.stdout, file, cfg, infos)
	}
	if err != nil {
		return err
	}
	for _, p := range probs {
		fmt.Fprintln(proc.stderr, p)
	}
	if err := checkHost(ctx, proc, cfg, probs); err != nil {
		fmt.Fprintln(proc.stderr, err)
		return errReported
	}
	if len(probs) > 0 {
		return errReported
	}
	if !values {
		fmt.Fprintln(proc.stdout, "ok")
	}
	return nil
}

// inspectRoutes inspects the plugin of each route. An info is nil if the plugin cannot be read. The problems are those
// of plugins that the host would refuse to load.
func inspectRoutes(ctx context.Context, cfg *config.Config) ([]*host.Info, config.Problems) {
	var probs config.Problems
	infos := make([]*host.Info, len(cfg.Routes))
	for i, r := range cfg.Routes {
		infos[i] = inspectRoute(ctx, r)
		if infos[i] == nil {
			continue
		}
		if infos[i].Problem != "" {
			probs = append(probs, cfg.PluginProblem(r, infos[i].Problem))
		} else if _, err := infos[i].Denied(r.Capabilities()); err != nil && !hasUnknownCapability(r) {
			probs = append(probs, cfg.PluginProblem(r, err.Error()))
		}
	}
	return infos, probs
}

// inspectRoute inspects the plugin of a route. It returns nil if the plugin cannot be read.
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

// hasUnknownCapability reports whether allow of a route names an unknown capability. host.Check reports that mistake.
func hasUnknownCapability(r config.Route) bool {
	return slices.ContainsFunc(r.Capabilities(), func(c host.Capability) bool { return !c.Known() })
}

// checkHost finds the mistakes that only the host can find: in certificates, plugins, and routes that conflict. It
// leaves out the parts of cfg that have a known problem, which the host would report again.
func checkHost(ctx context.Context, proc *process, cfg *config.Config, known config.Problems) error {
	var errs []error
	if !known.HasKey("tls") {
		_, err := readCertificate(cfg.TLS)
		errs = append(errs, err)
	}
	o := cfg.Options()
	o.Log = newLog(proc.stderr, config.Log{Format: cfg.Log.Format, Level: "warn"}, new(slog.LevelVar))
	o.Routes = slices.DeleteFunc(o.Routes, func(r host.Route) bool { return known.HasRoute(r.Path) })
	if known.HasKey("auth") {
		o.Auth = nil
		for i := range o.Routes {
			o.Routes[i].Auth = ""
		}
	}
	if known.HasKey("allowed_origins") {
		o.AllowedOrigins = nil
	}
	if known.HasKey("allowed_hosts") {
		o.AllowedHosts = nil
	}
	if known.HasKey("trusted_proxies") {
		o.TrustedProxies = nil
	}
	return errors.Join(append(errs, host.Check(ctx, o))...)
}

// printRoutes prints the name of the config file and a line for each route.
func printRoutes(w io.Writer, file string, cfg *config.Config, infos []*host.Info) error {
	if file == "" {
		file = "no config file"
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%s: %s\n", file, countText(len(cfg.Routes), "route"))
	for i, r := range cfg.Routes {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", r.Path, r.Plugin, r.Instances, pluginSummary(infos[i], r))
	}
	return tw.Flush()
}

// pluginSummary describes the plugin of a route in a line. info may be nil.
func pluginSummary(info *host.Info, r config.Route) string {
	switch {
	case info == nil:
		return "(cannot be read)"
	case info.Problem != "":
		return "(does not load)"
	}
	denied, err := info.Denied(r.Capabilities())
	if err != nil {
		return "(needs capabilities that allow does not grant)"
	}
	text := fmt.Sprintf("%s  ABI v%d  %s", info.Version, info.ABI, strings.Join(info.Hooks, " "))
	if len(denied) > 0 {
		text += fmt.Sprintf("  without %s, which allow does not grant", joinCapabilities(denied))
	}
	return text
}
