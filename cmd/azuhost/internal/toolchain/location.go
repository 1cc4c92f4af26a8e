package toolchain

import (
	"path/filepath"
	"slices"
)

// Place is where sources are, and what they are called.
type Place struct {
	// Dir is the folder of the sources, absolute. If All, everything in it and
	// in the folders below can be a source; otherwise one file in it is built.
	Dir string
	All bool
	// Home is the folder of the project: that of the file, or the one above if
	// it is in src.
	Home string
	// Name is that of the file, or of Home where it says nothing, as main does.
	Name string
	// Outs are the files that azuhost build makes of these sources: the one
	// that it writes by itself, and one in Home of the project's name.
	Outs []string
}

// Locate says where the sources at a path are, without looking into them.
// language is a name, or empty.
func Locate(path, language string) (Place, error) {
	abs, isFolder, err := look(path)
	if err != nil {
		return Place{}, err
	}
	if isFolder {
		name := filepath.Base(abs)
		return Place{Dir: abs, All: true, Home: abs, Name: name, Outs: []string{filepath.Join(abs, name+".wasm")}}, nil
	}
	l := Place{Dir: filepath.Dir(abs), Home: home(filepath.Dir(abs)), Name: stem(abs)}
	out := filepath.Join(l.Dir, l.Name+".wasm")
	if p, err := find(path, language); err == nil {
		out = p.output()
		if p.file == "" { // the folder is built, whichever file is named
			l.Dir, l.All, l.Home = p.dir, true, p.dir
		}
	}
	folder := filepath.Base(l.Home)
	if slices.Contains([]string{"main", "index", "lib"}, l.Name) && folder != string(filepath.Separator) {
		l.Name = folder
	}
	l.Outs = []string{out, filepath.Join(l.Home, l.Name+".wasm")}
	return l, nil
}

// home is the folder of the project that has sources in dir.
func home(dir string) string {
	if base := filepath.Base(dir); base == "src" || base == "assembly" {
		return filepath.Dir(dir)
	}
	return dir
}

// output is the file to write where nothing else is said.
func (p *project) output() string { return filepath.Join(p.dir, p.name+".wasm") }

// stem is the name of a file without its ending.
func stem(path string) string {
	base := filepath.Base(path)
	return base[:len(base)-len(filepath.Ext(base))]
}
