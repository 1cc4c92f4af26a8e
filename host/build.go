package host

import "runtime/debug"

// Version returns the version of the host's module as the build has recorded it.
func Version() string {
	if bi, ok := debug.ReadBuildInfo(); ok {
		if bi.Main.Path == "github.com/azuhost/azuhost" && bi.Main.Version != "" {
			return bi.Main.Version
		}
		for _, d := range bi.Deps {
			if d.Path == "github.com/azuhost/azuhost" {
				return d.Version
			}
		}
	}
	return "(devel)"
}
