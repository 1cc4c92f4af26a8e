package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// maxInspect is the largest file that inspect reads, far above what a route
// allows.
const maxInspect = 1 << 30

func inspectCommand(w *world) *cobra.Command {
	var (
		asJSON bool
		allow  []string
	)
	cmd := &cobra.Command{
		Use:   "inspect PLUGIN.wasm",
		Short: "Show what a plugin has and what it asks of the host",
		Long: `Show the hooks that a plugin handles, the host functions that it may call, its
capabilities that they need, its ABI version and its memory. None of its code
runs. The exit code is 1 if this azuhost would not load it, or not on a route
that allows no more than --allow.`,
		Example: `  azuhost inspect chat.wasm
  azuhost inspect --json chat.wasm
  azuhost inspect --allow send,rooms chat.wasm
  azuhost inspect - < chat.wasm`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			grants, err := capabilities(allow)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("allow") {
				grants = nil
			}
			return inspect(cmd.Context(), w, args[0], asJSON, grants)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringSliceVar(&allow, "allow", nil, "capabilities that a route grants, as in its key allow")
	_ = cmd.RegisterFlagCompletionFunc("allow", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return capabilityNames(), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// capabilities are what the flag names; never nil.
func capabilities(names []string) ([]host.Capability, error) {
	out := []host.Capability{}
	for _, name := range names {
		c := host.Capability(name)
		if !c.Known() {
			return nil, &usageError{fmt.Sprintf("there is no capability %q: want %s", name, strings.Join(capabilityNames(), ", "))}
		}
		out = append(out, c)
	}
	return out, nil
}

func capabilityNames() []string {
	names := []string{string(abi.AllCapabilities)}
	for _, d := range abi.Capabilities {
		names = append(names, string(d.Name))
	}
	return names
}

func joined(list []host.Capability) string {
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(c))
	}
	return b.String()
}

// inspect prints what a plugin is. allow is what a route would grant; nil: all.
func inspect(ctx context.Context, w *world, name string, asJSON bool, allow []host.Capability) error {
	wasm, err := readPlugin(w, name)
	if err != nil {
		return err
	}
	info, err := host.Inspect(ctx, wasm)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if asJSON {
		if err := writeJSON(w.stdout, info); err != nil {
			return err
		}
	} else {
		printInfo(w.stdout, name, info, allow)
	}
	if info.Problem != "" {
		return fmt.Errorf("%s would not load: %s", name, info.Problem)
	}
	if _, err := info.Denied(allow); err != nil {
		return fmt.Errorf("%s would not load: %w", name, err)
	}
	return nil
}

// readPlugin reads a file, or the standard input if its name is "-".
func readPlugin(w *world, name string) ([]byte, error) {
	in := w.stdin
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s does not exist", name)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInspect+1))
	if err == nil && len(data) > maxInspect {
		err = fmt.Errorf("%s is larger than 1 GiB", name)
	}
	return data, err
}

func printInfo(w io.Writer, name string, info *host.Info, allow []host.Capability) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	fmt.Fprintf(tw, "plugin\t%s\n", name)
	fmt.Fprintf(tw, "size\t%d bytes\n", info.Size)
	fmt.Fprintf(tw, "version\t%s\n", info.Version)
	if info.ABI > 0 {
		fmt.Fprintf(tw, "ABI\tv%d\n", info.ABI)
	}
	fmt.Fprintf(tw, "memory\t%s\n", memory(info.Memory.MinPages, info.Memory.MaxPages))

	section(tw, "hooks", len(info.Hooks))
	for _, h := range info.Hooks {
		fmt.Fprintf(tw, "  %s\n", h)
	}
	without, _ := info.Denied(allow)
	section(tw, "capabilities", len(info.Uses))
	for _, u := range info.Uses {
		fmt.Fprintf(tw, "  %s\t%s\t%s%s\n", u.Name, u.Doc, strings.Join(u.Imports, " "), grant(u.Name, u.Optional, allow, without))
	}
	section(tw, "exports", len(info.Exports))
	for _, e := range info.Exports {
		fmt.Fprintf(tw, "  %s\t%s\n", printable(e.Name), e.Type)
	}
	section(tw, "imports", len(info.Imports))
	for _, i := range info.Imports {
		doc := i.Doc
		if !i.Known {
			doc = "UNKNOWN to this host"
		}
		fmt.Fprintf(tw, "  %s.%s\t%s\t%s\n", printable(i.Module), printable(i.Name), i.Type, doc)
	}
	section(tw, "warnings", len(info.Warnings))
	for _, warning := range info.Warnings {
		fmt.Fprintf(tw, "  %s\n", warning)
	}
}

// printable is a name as it is, but for what a terminal would act on, and at most 100
// characters of it: whoever made the module chose it.
func printable(name string) string {
	if r := []rune(name); len(r) > 100 {
		name = string(r[:99]) + "…"
	}
	q := strconv.Quote(name)
	return q[1 : len(q)-1]
}

// grant says in words whether a route would grant a capability.
func grant(c host.Capability, optional bool, allow, without []host.Capability) string {
	switch {
	case slices.Contains(without, c):
		return "  (not allowed: answers PERM)"
	case !slices.Contains(allow, c) && allow != nil && !slices.Contains(allow, abi.AllCapabilities):
		return "  (NOT ALLOWED)"
	case optional:
		return "  (optional)"
	}
	return ""
}

// section begins a list of n lines. Each is a table of its own.
func section(tw *tabwriter.Writer, title string, n int) {
	tw.Flush()
	if n == 0 {
		fmt.Fprintf(tw, "\n%s: none\n", title)
		return
	}
	fmt.Fprintf(tw, "\n%s\n", title)
}

func memory(minPages, maxPages uint32) string {
	const page = 64 << 10
	text := fmt.Sprintf("starts with %v", config.Size(minPages)*page)
	if maxPages > 0 {
		return text + fmt.Sprintf(", grows to %v", config.Size(maxPages)*page)
	}
	return text + ", grows to the limit of the route"
}
