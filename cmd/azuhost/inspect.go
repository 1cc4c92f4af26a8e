package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/host"
)

// maxInspect is the largest file that inspect reads, far above what a route
// allows.
const maxInspect = 1 << 30

func inspectCommand(w *world) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect PLUGIN.wasm",
		Short: "Show what a plugin has and what it asks of the host",
		Long: `Show the hooks that a plugin handles, the host functions that it may call, its
ABI version and its memory. None of its code runs. The exit code is 1 if this
azuhost would not load it.`,
		Example: `  azuhost inspect chat.wasm
  azuhost inspect --json chat.wasm
  azuhost inspect - < chat.wasm`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return inspect(cmd.Context(), w, args[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func inspect(ctx context.Context, w *world, name string, asJSON bool) error {
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
		printInfo(w.stdout, name, info)
	}
	if info.Problem != "" {
		return fmt.Errorf("%s would not load: %s", name, info.Problem)
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

func printInfo(w io.Writer, name string, info *host.Info) {
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
	section(tw, "exports", len(info.Exports))
	for _, e := range info.Exports {
		fmt.Fprintf(tw, "  %s\t%s\n", e.Name, e.Type)
	}
	section(tw, "imports", len(info.Imports))
	for _, i := range info.Imports {
		doc := i.Doc
		if !i.Known {
			doc = "UNKNOWN to this host"
		}
		fmt.Fprintf(tw, "  %s.%s\t%s\t%s\n", i.Module, i.Name, i.Type, doc)
	}
	section(tw, "warnings", len(info.Warnings))
	for _, warning := range info.Warnings {
		fmt.Fprintf(tw, "  %s\n", warning)
	}
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
