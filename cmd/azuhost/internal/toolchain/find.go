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

// project is what to build.
type project struct {
	lang *Language
	dir  string // absolute
	file string // absolute; empty: the folder
	name string // of the plugin
}

// find says what there is to build at a path. language is a name, or empty.
func find(path, language string) (*project, error) {
	var lang *Language
	if language != "" {
		var ok bool
		if lang, ok = ByName(language); !ok {
			return nil, fmt.Errorf("the language %q is not known: there are %s", language, strings.Join(Names(), ", "))
		}
	}
	abs, folder, err := look(path)
	if err != nil {
		return nil, err
	}
	var p *project
	if folder {
		p, err = findFolder(path, abs, lang)
	} else {
		p, err = findFile(path, abs, lang)
	}
	if err == nil && lang == nil {
		p.lang = spoken(p.lang, p.file)
	}
	return p, err
}

// look gives the absolute path of what is to be built, and whether it is a folder.
func look(path string) (abs string, folder bool, err error) {
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

func findFile(path, abs string, lang *Language) (*project, error) {
	dir, base := filepath.Dir(abs), filepath.Base(abs)
	if lang == nil {
		lang = languageOf(dir, base)
	}
	if lang == nil {
		return nil, fmt.Errorf("%s: no language has such files: name it with --language (%s)", path, strings.Join(Names(), ", "))
	}
	p := &project{lang: lang, dir: dir, file: abs, name: stem(base)}
	if lang.mains == nil { // Go and Rust build packages
		p.file = ""
		if lang.Name == "rust" {
			p.dir = above(dir, "Cargo.toml")
		}
	}
	return p, nil
}

// languageOf tells the language of a file, by the folder it is in where
// several have such files.
func languageOf(dir, base string) *Language {
	if marked := markedIn(dir); marked != nil && marked.may(base) {
		return marked
	}
	for _, l := range Languages {
		if l.has(base) {
			return l
		}
	}
	return nil
}

// markedIn is the language that a file in the folder tells for sure. Those
// whose files others have, too, are asked first.
func markedIn(dir string) *Language {
	for i := len(Languages) - 1; i >= 0; i-- {
		for _, mark := range Languages[i].marks {
			if exists(filepath.Join(dir, mark)) {
				return Languages[i]
			}
		}
	}
	return nil
}

func findFolder(path, abs string, lang *Language) (*project, error) {
	if lang == nil {
		lang = markedIn(abs)
	}
	if lang == nil {
		var err error
		if lang, err = languageIn(path, abs); err != nil {
			return nil, err
		}
	}
	p := &project{lang: lang, dir: abs, name: filepath.Base(abs)}
	if lang.mains == nil {
		return p, nil
	}
	if main, ok := lang.mainIn(abs); ok {
		p.file = main
		return p, nil
	}
	found := lang.filesIn(abs)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s has no %s, and %d files in %s: name the one to build", path, lang.mains[0], len(found), lang.Title)
	}
	p.file = found[0]
	return p, nil
}

// mainIn is the file of a folder to build, by its name: one that the language
// has, or the folder's, which a new project gets.
func (l *Language) mainIn(abs string) (file string, ok bool) {
	names := slices.Clone(l.mains)
	for _, pattern := range slices.Concat(l.files, l.shared) {
		names = append(names, filepath.Base(abs)+filepath.Ext(pattern))
	}
	for _, name := range names {
		if file := filepath.Join(abs, filepath.FromSlash(name)); exists(file) {
			return file, true
		}
	}
	return "", false
}

// filesIn are the files of a folder, and of src in it, that can be the one to
// build.
func (l *Language) filesIn(abs string) []string {
	var found []string
	for _, dir := range []string{abs, filepath.Join(abs, "src")} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if l.may(e.Name()) && !isTest(e.Name()) {
				found = append(found, filepath.Join(dir, e.Name()))
			}
		}
	}
	return found
}

// isTest says whether a file is a test by its name: contest.ts is none.
func isTest(name string) bool {
	return strings.HasPrefix(name, "test.") || strings.Contains(name, "_test.") || strings.Contains(name, ".test.")
}

// languageIn tells a language by the files in a folder.
func languageIn(path, abs string) (*Language, error) {
	entries, err := os.ReadDir(abs)
	if err != nil {
		return nil, err
	}
	if more, err := os.ReadDir(filepath.Join(abs, "src")); err == nil {
		entries = append(entries, more...)
	}
	var found, named []*Language
	for _, l := range Languages {
		for _, e := range entries {
			if !e.IsDir() && l.has(e.Name()) {
				found = append(found, l)
				break
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s has no sources of a language that is known: %s; azuhost new makes a project", path, strings.Join(Names(), ", "))
	case 1:
		return found[0], nil
	}
	// The file that a new project gets tells, where there is a helper in
	// another language beside it.
	for _, l := range found {
		if _, ok := l.mainIn(abs); ok {
			named = append(named, l)
		}
	}
	if len(named) == 1 {
		return named[0], nil
	}
	return nil, fmt.Errorf("%s has sources in %s and %s: name the file to build, or --language", path, found[0].Title, found[1].Title)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// above is the closest folder, from dir upward, that has a file; dir, if none has.
func above(dir, file string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if exists(filepath.Join(d, file)) {
			return d
		}
		if filepath.Dir(d) == d {
			return dir
		}
	}
}
