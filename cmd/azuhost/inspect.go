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

// maxInspect bounds the file that inspect reads, in bytes. It is far above what a route allows.
const maxInspect = 1 << 30

func inspectCommand(proc *process) *cobra.Command {
	var (
		asJSON bool
		allow  []string
	)
	cmd := &cobra.Command{
		Use:   "inspect PLUGIN.wasm",
		Short: "Show the hooks, capabilities and imports of a plugin",
		Long: `Show the hooks that a plugin handles, the host functions that it imports, the
capabilities that these need, its ABI version and its memory. PLUGIN.wasm is a
file, or - for the standard input. No code of the plugin runs. The exit code is 1
if the plugin would not load, or not on a route that allows only --allow.`,
		Example: `  azuhost inspect chat.wasm
  azuhost inspect --json chat.wasm
  azuhost inspect --allow send,rooms chat.wasm
  azuhost inspect - < chat.wasm`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			granted, err := parseCapabilities(allow)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("allow") {
				granted = nil
			}
			return inspect(cmd.Context(), proc, args[0], asJSON, granted)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringSliceVar(&allow, "allow", nil, "capabilities that a route grants, as in its key allow")
	completion := cobra.FixedCompletions(capabilityNames(), cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc("allow", completion)
	return cmd
}

// inspect prints a description of the plugin file name. The error says why the plugin would not load on a route that
// allows allow. A nil allow is all capabilities.
func inspect(ctx context.Context, proc *process, name string, asJSON bool, allow []host.Capability) error {
	wasm, err := readPlugin(proc, name)
	if err != nil {
		return err
	}
	info, err := host.Inspect(ctx, wasm)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if asJSON {
		if err := writeJSON(proc.stdout, info); err != nil {
			return err
		}
	} else {
		printInfo(proc.stdout, name, info, allow)
	}
	if info.Problem != "" {
		return fmt.Errorf("%s would not load: %s", name, info.Problem)
	}
	if _, err := info.Denied(allow); err != nil {
		return fmt.Errorf("%s would not load: %w", name, err)
	}
	return nil
}

// readPlugin reads a file, or the standard input if the name is "-".
func readPlugin(proc *process, name string) ([]byte, error) {
	in := proc.stdin
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
	fmt.Fprintf(tw, "memory\t%s\n", memoryText(info.Memory.MinPages, info.Memory.MaxPages))

	printSection(tw, "hooks", len(info.Hooks))
	for _, h := range info.Hooks {
		fmt.Fprintf(tw, "  %s\n", h)
	}
	denied, _ := info.Denied(allow)
	printSection(tw, "capabilities", len(info.Uses))
	for _, u := range info.Uses {
		note := grantNote(u.Name, u.Optional, allow, denied)
		fmt.Fprintf(tw, "  %s\t%s\t%s%s\n", u.Name, u.Doc, strings.Join(u.Imports, " "), note)
	}
	printSection(tw, "exports", len(info.Exports))
	for _, e := range info.Exports {
		fmt.Fprintf(tw, "  %s\t%s\n", printableName(e.Name), e.Type)
	}
	printSection(tw, "imports", len(info.Imports))
	for _, i := range info.Imports {
		doc := i.Doc
		if !i.Known {
			doc = "UNKNOWN to this host"
		}
		fmt.Fprintf(tw, "  %s.%s\t%s\t%s\n", printableName(i.Module), printableName(i.Name), i.Type, doc)
	}
	printSection(tw, "warnings", len(info.Warnings))
	for _, warning := range info.Warnings {
		fmt.Fprintf(tw, "  %s\n", warning)
	}
}

// printableName escapes characters that a terminal may act on, because the author of the module chose the name. It
// returns at most 100 characters of the name.
func printableName(name string) string {
	if r := []rune(name); len(r) > 100 {
		name = string(r[:99]) + "…"
	}
	q := strconv.Quote(name)
	return q[1 : len(q)-1]
}

// grantNote says whether a route that allows allow grants a capability. denied lists the optional capabilities that it
// does not grant. The note is empty if the capability is needed and granted.
func grantNote(c host.Capability, optional bool, allow, denied []host.Capability) string {
	switch {
	case slices.Contains(denied, c):
		return "  (not allowed: answers PERM)"
	case !slices.Contains(allow, c) && allow != nil && !slices.Contains(allow, abi.AllCapabilities):
		return "  (NOT ALLOWED)"
	case optional:
		return "  (optional)"
	}
	return ""
}

// printSection prints the title of a list of n lines. It flushes tw, so that each list has columns of its own.
func printSection(tw *tabwriter.Writer, title string, n int) {
	tw.Flush()
	if n == 0 {
		fmt.Fprintf(tw, "\n%s: none\n", title)
		return
	}
	fmt.Fprintf(tw, "\n%s\n", title)
}

// memoryText describes the limits of a memory in pages. maxPages 0 is no maximum.
func memoryText(minPages, maxPages uint32) string {
	const page = 64 << 10
	text := fmt.Sprintf("starts with %v", config.Size(minPages)*page)
	if maxPages > 0 {
		return text + fmt.Sprintf(", grows to %v", config.Size(maxPages)*page)
	}
	return text + ", grows to the limit of the route"
}
