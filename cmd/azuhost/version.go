package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/azuhost/azuhost/host/abi"
)

// The linker sets these, as in -ldflags "-X main.version=1.2.3 -X main.commit=… -X main.date=…". If one is empty, the
// build information of the Go command is used.
var version, commit, date string

// build describes this binary.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // commit
	Time     string `json:"time,omitempty"`     // time of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the sources differ from the commit
	Go       string `json:"go"`
	Wazero   string `json:"wazero,omitempty"`
	Platform string `json:"platform"`
	ABI      int    `json:"abi"`
}

func versionCommand(proc *process) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version of azuhost, its commit, the version of the plugin ABI, and the
versions of Go and wazero that it was built with.`,
		Example: `  azuhost version
  azuhost version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if asJSON {
				return writeJSON(proc.stdout, b)
			}
			b.print(proc.stdout)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// readBuild returns the values that the linker set, and the build information of the Go command for the rest. With
// `go install …@version` that has no commit, and with `go run` no version.
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

// fill sets the fields that info has.
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
