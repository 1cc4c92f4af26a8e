package toolchain

import (
	"path/filepath"
	"slices"
)

// Location is where the sources of a plugin are.
type Location struct {
	// Dir is the folder of the sources, absolute. If Recursive, all files in it and in the folders below can be sources;
	// otherwise one file in it is built.
	Dir       string
	Recursive bool
	// ProjectDir is the folder of the project: that of the file, or its parent if that is src or assembly.
	ProjectDir string
	// Name is the name of the plugin: that of the file, or of ProjectDir if the file is called main, index or lib.
	Name string
	// Outputs are the files that azuhost build can write for these sources: the default one, and one in ProjectDir with
	// the name of the plugin.
	Outputs []string
}

// Locate returns the location of the sources at a path. It does not read them. language is a name, or empty.
func Locate(path, language string) (Location, error) {
	abs, folder, err := resolve(path)
	if err != nil {
		return Location{}, err
	}
	if folder {
		name := filepath.Base(abs)
		output := filepath.Join(abs, name+".wasm")
		return Location{Dir: abs, Recursive: true, ProjectDir: abs, Name: name, Outputs: []string{output}}, nil
	}
	dir := filepath.Dir(abs)
	l := Location{Dir: dir, ProjectDir: projectDir(dir), Name: stem(abs)}
	output := filepath.Join(dir, l.Name+".wasm")
	if p, err := find(path, language); err == nil {
		output = p.output()
		if p.file == "" { // the language builds the folder, whichever file is named
			l.Dir, l.Recursive, l.ProjectDir = p.dir, true, p.dir
		}
	}
	dirName := filepath.Base(l.ProjectDir)
	if slices.Contains([]string{"main", "index", "lib"}, l.Name) && dirName != string(filepath.Separator) {
		l.Name = dirName
	}
	l.Outputs = []string{output, filepath.Join(l.ProjectDir, l.Name+".wasm")}
	return l, nil
}

// projectDir returns the folder of the project that has sources in dir.
func projectDir(dir string) string {
	if base := filepath.Base(dir); base == "src" || base == "assembly" {
		return filepath.Dir(dir)
	}
	return dir
}

// output returns the default file to write.
func (p *project) output() string { return filepath.Join(p.dir, p.name+".wasm") }

// stem returns the name of a file without its extension.
func stem(path string) string {
	base := filepath.Base(path)
	return base[:len(base)-len(filepath.Ext(base))]
}
