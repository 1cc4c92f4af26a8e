package script

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/sdk"
)

// bundle is a script with all of its imports.
type bundle struct {
	code      []byte
	sourceMap *sourceMap
	inputs    []string // source files, absolute
	warnings  []string
}

// sdkNamespace is the namespace of the SDK's files in the bundler.
const sdkNamespace = "azuhost"

// bundleFile bundles a file and its imports with esbuild.
func bundleFile(file string, minify bool) (*bundle, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	var recorder inputRecorder
	res := api.Build(bundleOptions(abs, minify, recorder.plugin(), sdkPlugin()))
	b := &bundle{warnings: formatMessages(res.Warnings, api.WarningMessage)}
	if len(res.Errors) > 0 {
		text := strings.Join(formatMessages(res.Errors, api.ErrorMessage), "\n\n")
		return nil, &SourceError{Text: text, Inputs: recorder.files}
	}
	for _, f := range res.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			b.sourceMap, err = parseSourceMap(f.Contents)
		} else {
			b.code = f.Contents
		}
		if err != nil {
			return nil, err
		}
	}
	b.inputs, err = listInputs(res.Metafile, filepath.Dir(abs))
	return b, err
}

// bundleOptions returns the options of esbuild for a file. The script becomes one function, which gets __azuhost.
func bundleOptions(abs string, minify bool, plugins ...api.Plugin) api.BuildOptions {
	dir := filepath.Dir(abs)
	return api.BuildOptions{
		Stdin: &api.StdinOptions{
			Contents:   entryScript(abs),
			ResolveDir: dir,
			Sourcefile: "azuhost/entry",
			Loader:     api.LoaderTS,
		},
		AbsWorkingDir:    dir,
		Bundle:           true,
		Outfile:          filepath.Join(dir, scriptName),
		Format:           api.FormatIIFE,
		Platform:         api.PlatformNeutral,
		MainFields:       []string{"browser", "module", "main"}, // browsers lack the modules of Node, too
		Conditions:       []string{"browser"},
		Target:           api.ES2023,
		Charset:          api.CharsetUTF8,
		TreeShaking:      api.TreeShakingTrue,
		MinifyWhitespace: minify,
		MinifySyntax:     minify,
		Sourcemap:        api.SourceMapExternal,
		SourcesContent:   api.SourcesContentExclude,
		Metafile:         true,
		LogLevel:         api.LogLevelSilent,
		LegalComments:    api.LegalCommentsInline,
		Banner:           map[string]string{"js": "(function (__azuhost) {"},
		Footer:           map[string]string{"js": "return 0;\n})"},
		Define:           map[string]string{"process.env.NODE_ENV": `"production"`},
		Loader:           map[string]api.Loader{".txt": api.LoaderText, ".bin": api.LoaderBinary},
		Plugins:          plugins,
	}
}

// entryScript returns the script that starts the plugin in a file.
func entryScript(abs string) string {
	names := make([]string, len(abi.Hooks))
	for i, h := range abi.Hooks {
		names[i] = h.Name
	}
	file, _ := json.Marshal(filepath.ToSlash(abs)) // strings cannot fail
	hooks, _ := json.Marshal(names)
	return fmt.Sprintf(`import { start } from "azuhost/start";
import * as plugin from %s;
start(plugin, %s);
`, file, hooks)
}

// noNode explains why a module of Node cannot be imported.
const noNode = "a module of Node: a channel has no files, sockets or processes, " +
	"only the language and the azuhost package"

// sdkPlugin resolves imports of the azuhost package to the SDK that is embedded in azuhost. So a script needs no
// package beside it.
func sdkPlugin() api.Plugin {
	type (
		resolveArgs   = api.OnResolveArgs
		resolveResult = api.OnResolveResult
	)
	setup := func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^azuhost(/.*)?$`}, func(args resolveArgs) (resolveResult, error) {
			name := strings.TrimPrefix(strings.TrimPrefix(args.Path, "azuhost"), "/")
			if name == "" {
				name = "index"
			}
			return resolveResult{Path: name + ".ts", Namespace: sdkNamespace}, nil
		})
		relative := api.OnResolveOptions{Filter: `^\./`, Namespace: sdkNamespace}
		b.OnResolve(relative, func(args resolveArgs) (resolveResult, error) {
			return resolveResult{Path: strings.TrimPrefix(args.Path, "./") + ".ts", Namespace: sdkNamespace}, nil
		})
		b.OnResolve(api.OnResolveOptions{Filter: `^node:`}, func(args resolveArgs) (resolveResult, error) {
			return resolveResult{}, fmt.Errorf("%s is %s", args.Path, noNode)
		})
		all := api.OnLoadOptions{Filter: `.*`, Namespace: sdkNamespace}
		b.OnLoad(all, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			data, err := fs.ReadFile(sdk.Files, "js/"+args.Path)
			if err != nil {
				name := strings.TrimSuffix(args.Path, ".ts")
				return api.OnLoadResult{}, fmt.Errorf("the azuhost package has no %s", name)
			}
			text := string(data)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderTS}, nil
		})
	}
	return api.Plugin{Name: "azuhost", Setup: setup}
}

// formatMessages formats messages of the bundler, with excerpts of the sources.
func formatMessages(list []api.Message, kind api.MessageKind) []string {
	var out []string
	for i := range list {
		list[i].Notes = replaceNotes(list[i].Notes)
	}
	for _, text := range api.FormatMessages(list, api.FormatMessagesOptions{Kind: kind}) {
		out = append(out, strings.TrimSpace(text))
	}
	return out
}

// replaceNotes replaces notes of the bundler about options that azuhost does not have.
func replaceNotes(notes []api.Note) []api.Note {
	var out []api.Note
	for _, n := range notes {
		switch {
		case strings.Contains(n.Text, "PlatformNode"):
			n.Text = "It is " + noNode + "."
		case strings.Contains(n.Text, "as external"):
			n.Text = "A package has to be in node_modules: npm install it in the folder of the file."
		case strings.Contains(n.Text, "main fields"), strings.Contains(n.Text, "Platform:"):
			continue
		}
		out = append(out, n)
	}
	return out
}

// listInputs returns the source files of a bundle in dir, without those of the SDK.
func listInputs(metafile, dir string) ([]string, error) {
	var m struct {
		Inputs map[string]json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &m); err != nil {
		return nil, fmt.Errorf("metafile of the bundle: %w", err)
	}
	var out []string
	for name := range m.Inputs {
		if !strings.HasPrefix(name, sdkNamespace) {
			out = append(out, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	return out, nil
}
