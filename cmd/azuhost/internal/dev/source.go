package dev

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// isToolFolder reports whether a folder of that name holds files that tools write.
func isToolFolder(name string) bool {
	switch name {
	case "node_modules", "target", "zig-cache", "zig-out":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// toolSuffixes are the suffixes of files that are written beside sources and are no sources: plugins, logs, files of
// builds such as Cargo.lock, and files of editors. Scenarios are sources of azuhost test only.
var toolSuffixes = []string{".wasm", ".log", ".lock", ".scenario", ".swp", ".tmp", ".bak", ".orig"}

// sourceSuffixes are the suffixes of source files. They apply if a single file is built, whose folder may hold
// unrelated files. If a folder is built, every file in it is a source, because it may be embedded.
var sourceSuffixes = []string{
	".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json", ".go", ".mod", ".sum", ".rs", ".toml",
	".c", ".h", ".inc", ".cpp", ".cc", ".hpp", ".hh", ".zig", ".zon", ".wat",
	".txt", ".md", ".bin", ".csv", ".html", ".css", ".svg", ".xml", ".sql", ".tmpl",
}

// vimProbe is the name of a file that Vim creates to test whether it can write to a folder.
const vimProbe = "4913"

// isSource reports whether a change of file may change the plugin of p.
func (b *Builder) isSource(p *Project, file string) bool {
	name := filepath.Base(file)
	suffix := filepath.Ext(name)
	switch {
	case !p.contains(filepath.Dir(file)), file == b.file:
		return false
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"), strings.HasSuffix(name, "~"):
		return false
	case slices.Contains(toolSuffixes, suffix):
		return false
	case slices.Contains(sourceSuffixes, suffix):
		return !b.console.writesTo(file)
	}
	return p.Location.Recursive && name != vimProbe && !isFolder(file) && !b.console.writesTo(file)
}

// writesTo reports whether the console writes to file. A build writes to the console, so such a file must not cause
// another build.
func (c *Console) writesTo(file string) bool {
	log, ok := c.out.w.(*os.File)
	if !ok {
		return false
	}
	to, err := log.Stat()
	if err != nil {
		return false
	}
	info, err := os.Stat(file)
	return err == nil && os.SameFile(to, info)
}
