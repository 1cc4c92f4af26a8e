package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host/abi"
)

// Set by the linker, as in -ldflags "-X main.version=1.2.3 -X main.commit=… -X main.date=…".
// Empty: what the Go command recorded in the binary.
var version, commit, date string

// build describes this binary.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // the commit
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the sources differed from the commit
	Go       string `json:"go"`
	Wazero   string `json:"wazero,omitempty"`
	Platform string `json:"platform"`
	ABI      int    `json:"abi"`
}

// readBuild returns what the linker set, and for the rest what the Go command
// recorded: `go install …@version` records no commit, and `go run` no version.
func readBuild() build {
	b := build{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, ABI: abi.Version}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.fill(info)
	}
	if version != "" {
		b.Version = version
	}
	if commit != "" {
		b.Revision, b.Modified = commit, false
	}
	if date != "" {
		b.Time = date
	}
	return b
}

func (b *build) fill(info *debug.BuildInfo) {
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/tetratelabs/wazero" {
			if m.Replace != nil {
				m = m.Replace
			}
			b.Wazero = m.Version
		}
	}
}

func (b build) print(w io.Writer) {
	fmt.Fprintf(w, "azuhost %s (ABI v%d, %s", b.Version, b.ABI, b.Go)
	if b.Wazero != "" {
		fmt.Fprintf(w, ", wazero %s", b.Wazero)
	}
	fmt.Fprintf(w, ", %s)\n", b.Platform)
	if b.Revision == "" {
		return
	}
	fmt.Fprintf(w, "commit %s", b.Revision)
	if b.Time != "" {
		fmt.Fprintf(w, " of %s", b.Time)
	}
	if b.Modified {
		fmt.Fprint(w, ", modified")
	}
	fmt.Fprintln(w)
}

func versionCommand(w *world) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: `  azuhost version
  azuhost version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if asJSON {
				return writeJSON(w.stdout, b)
			}
			b.print(w.stdout)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
