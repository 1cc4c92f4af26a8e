package toolchain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// project is the input of a build.
type project struct {
	lang *Language
	dir  string // absolute
	file string // absolute; empty: the folder
	name string // of the plugin
}

// find returns the project at a path. language is a name, or empty.
func find(path, language string) (*project, error) {
	var lang *Language
	if language != "" {
		var ok bool
		if lang, ok = ByName(language); !ok {
			return nil, fmt.Errorf("unknown language %q: want one of %s", language, strings.Join(Names(), ", "))
		}
	}
	abs, folder, err := resolve(path)
	if err != nil {
		return nil, err
	}
	var p *project
	if folder {
		p, err = findInDir(path, abs, lang)
	} else {
		p, err = findFile(path, abs, lang)
	}
	if err == nil && lang == nil {
		p.lang = languageByImports(p.lang, p.file)
	}
	return p, err
}

// resolve returns the absolute path of an existing file or folder.
func resolve(path string) (abs string, folder bool, err error) {
	if abs, err = filepath.Abs(path); err != nil {
		return "", false, err
	}
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("%s does not exist", path)
	}
	if err != nil {
		return "", false, err
	}
	return abs, info.IsDir(), nil
}

// findFile returns the project of a file. lang is nil if it is not known.
func findFile(path, abs string, lang *Language) (*project, error) {
	dir, base := filepath.Dir(abs), filepath.Base(abs)
	if lang == nil {
		lang = languageOfFile(dir, base)
	}
	if lang == nil {
		return nil, fmt.Errorf("%s: no language has such files: name it with --language (%s)",
			path, strings.Join(Names(), ", "))
	}
	p := &project{lang: lang, dir: dir, file: abs, name: stem(base)}
	if lang.mainFiles == nil { // Go and Rust build packages
		p.file = ""
		if lang.Name == "rust" {
			p.dir = findUp(dir, "Cargo.toml")
		}
	}
	return p, nil
}

// languageOfFile returns the language of a file, or nil. A marker in its folder decides between languages with the same
// files.
func languageOfFile(dir, base string) *Language {
	if marked := languageByMarker(dir); marked != nil && marked.accepts(base) {
		return marked
	}
	for _, l := range Languages {
		if l.owns(base) {
			return l
		}
	}
	return nil
}

// languageByMarker returns the language that a marker in a folder proves, or nil. Languages with shared files come
// later in Languages, and win.
func languageByMarker(dir string) *Language {
	for _, l := range slices.Backward(Languages) {
		for _, marker := range l.markers {
			if exists(filepath.Join(dir, marker)) {
				return l
			}
		}
	}
	return nil
}

// findInDir returns the project in a folder. lang is nil if it is not known.
func findInDir(path, abs string, lang *Language) (*project, error) {
	if lang == nil {
		lang = languageByMarker(abs)
	}
	if lang == nil {
		var err error
		if lang, err = languageOfDir(path, abs); err != nil {
			return nil, err
		}
	}
	p := &project{lang: lang, dir: abs, name: filepath.Base(abs)}
	if lang.mainFiles == nil {
		return p, nil
	}
	if main, ok := lang.mainFile(abs); ok {
		p.file = main
		return p, nil
	}
	sources := lang.sourcesIn(abs)
	if len(sources) != 1 {
		return nil, fmt.Errorf("%s has no %s, and %d files in %s: name the one to build",
			path, lang.mainFiles[0], len(sources), lang.Title)
	}
	p.file = sources[0]
	return p, nil
}

// mainFile returns the file of a folder to build, if its name is one of the language's main files or that of the
// folder, as in a new project.
func (l *Language) mainFile(abs string) (file string, ok bool) {
	names := slices.Clone(l.mainFiles)
	for _, pattern := range slices.Concat(l.files, l.sharedFiles) {
		names = append(names, filepath.Base(abs)+filepath.Ext(pattern))
	}
	for _, name := range names {
		if file := filepath.Join(abs, filepath.FromSlash(name)); exists(file) {
			return file, true
		}
	}
	return "", false
}

// sourcesIn returns the files of a folder, and of its folder src, that can be the one to build.
func (l *Language) sourcesIn(abs string) []string {
	var found []string
	for _, dir := range []string{abs, filepath.Join(abs, "src")} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if l.accepts(e.Name()) && !isTest(e.Name()) {
				found = append(found, filepath.Join(dir, e.Name()))
			}
		}
	}
	return found
}

// isTest reports whether a file is a test by its name.
func isTest(name string) bool {
	return strings.HasPrefix(name, "test.") || strings.Contains(name, "_test.") || strings.Contains(name, ".test.")
}

// languageOfDir returns the language of the files in a folder.
func languageOfDir(path, abs string) (*Language, error) {
	entries, err := os.ReadDir(abs)
	if err != nil {
		return nil, err
	}
	if more, err := os.ReadDir(filepath.Join(abs, "src")); err == nil {
		entries = append(entries, more...)
	}
	var found, named []*Language
	for _, l := range Languages {
		isSource := func(e fs.DirEntry) bool { return !e.IsDir() && l.owns(e.Name()) }
		if slices.ContainsFunc(entries, isSource) {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s has no sources of a supported language (%s): azuhost new makes a project",
			path, strings.Join(Names(), ", "))
	case 1:
		return found[0], nil
	}
	// A main file decides if there is a helper in another language beside it.
	for _, l := range found {
		if _, ok := l.mainFile(abs); ok {
			named = append(named, l)
		}
	}
	if len(named) == 1 {
		return named[0], nil
	}
	return nil, fmt.Errorf("%s has sources in %s and %s: name the file to build, or --language",
		path, found[0].Title, found[1].Title)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// findUp returns the nearest folder, from dir upward, that has a file, or dir if none has.
func findUp(dir, file string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if exists(filepath.Join(d, file)) {
			return d
		}
		if filepath.Dir(d) == d {
			return dir
		}
	}
}
