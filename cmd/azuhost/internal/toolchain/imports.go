package toolchain

import (
	"os"
	"regexp"
)

// TypeScript and AssemblyScript files have the same names. The SDK that a file imports tells them apart.
var (
	importsAssembly = regexp.MustCompile(`\bfrom\s*["'](?:[^"']*/)?azuhost/assembly(?:/[^"']*)?["']`)
	importsAzuhost  = regexp.MustCompile(`\bfrom\s*["']azuhost["']`)
)

// languageByImports returns the language of a file by its imports. Without imports of an SDK, it returns lang, which is
// the language by the names of files.
func languageByImports(lang *Language, file string) *Language {
	if lang.Name != "typescript" && lang.Name != "assemblyscript" {
		return lang
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return lang // the build reports the error
	}
	name := lang.Name
	switch {
	case importsAssembly.Match(text):
		name = "assemblyscript"
	case importsAzuhost.Match(text):
		name = "typescript"
	}
	lang, _ = ByName(name)
	return lang
}
