package toolchain

import (
	"os"
	"regexp"
)

// What a file imports of the SDKs tells TypeScript from AssemblyScript, whose
// files have the same names.
var (
	importsAssembly = regexp.MustCompile(`\bfrom\s*["'](?:[^"']*/)?azuhost/assembly(?:/[^"']*)?["']`)
	importsAzuhost  = regexp.MustCompile(`\bfrom\s*["']azuhost["']`)
)

// spoken is the language of a file that was taken for one in lang by its name
// and what is beside it.
func spoken(lang *Language, file string) *Language {
	if lang.Name != "typescript" && lang.Name != "assemblyscript" {
		return lang
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return lang // the build will say so
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
