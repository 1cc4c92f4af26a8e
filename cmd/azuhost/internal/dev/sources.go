package dev

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ignored are folders where tools put what they make.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "target" || name == "zig-cache" || name == "zig-out"
}

// made are the endings of files that are written beside sources and are none:
// plugins, logs, what cargo and others note while they build, and what editors
// leave. Scenarios are for azuhost test.
var made = []string{".wasm", ".log", ".lock", ".scenario", ".swp", ".tmp", ".bak", ".orig"}

// sources are the endings of files that plugins are made of. They count where
// a file is built that is in a folder with who knows what. In a folder that is
// a project all count, since all can be embedded.
var sources = []string{
	".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json", ".go", ".mod", ".sum", ".rs", ".toml",
	".c", ".h", ".inc", ".cpp", ".cc", ".hpp", ".hh", ".zig", ".zon", ".wat",
	".txt", ".md", ".bin", ".csv", ".html", ".css", ".svg", ".xml", ".sql", ".tmpl",
}

// isSource says whether a project can be made of a file.
func (b *Builder) isSource(p *Project, file string) bool {
	name := filepath.Base(file)
	ext := filepath.Ext(name)
	switch {
	case !p.has(filepath.Dir(file)), file == b.config:
		return false
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"), strings.HasSuffix(name, "~"), slices.Contains(made, ext):
		return false
	case slices.Contains(sources, ext):
		return !b.console.writes(file)
	}
	return p.Place.All && name != "4913" && !isFolder(file) && !b.console.writes(file) // Vim tries that name
}

// writes says whether the console goes to a file: every build would be a
// reason for the next one.
func (c *Console) writes(file string) bool {
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
