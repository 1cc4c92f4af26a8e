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

// bundle is a script with all that it imports.
type bundle struct {
	code     []byte
	places   *places
	inputs   []string // files, absolute
	warnings []string
}

// sdkSpace is the namespace of the SDK's files in the bundler.
const sdkSpace = "azuhost"

// bundleFile gathers a file and what it imports, with esbuild.
func bundleFile(file string, minify bool) (*bundle, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	var tried lookedFor
	res := api.Build(api.BuildOptions{
		Stdin: &api.StdinOptions{
			Contents:   entry(abs),
			ResolveDir: filepath.Dir(abs),
			Sourcefile: "azuhost/entry",
			Loader:     api.LoaderTS,
		},
		AbsWorkingDir:    filepath.Dir(abs),
		Bundle:           true,
		Outfile:          filepath.Join(filepath.Dir(abs), scriptName),
		Format:           api.FormatIIFE,
		Platform:         api.PlatformNeutral,
		MainFields:       []string{"browser", "module", "main"}, // browsers have no modules of Node's either
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
		Plugins:          []api.Plugin{tried.plugin(), sdkPlugin()},
	})
	b := &bundle{warnings: messages(res.Warnings, api.WarningMessage)}
	if len(res.Errors) > 0 {
		return nil, &SourceError{Text: strings.Join(messages(res.Errors, api.ErrorMessage), "\n\n"), Inputs: tried.files}
	}
	for _, f := range res.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			b.places, err = readMap(f.Contents)
		} else {
			b.code = f.Contents
		}
		if err != nil {
			return nil, err
		}
	}
	b.inputs, err = inputs(res.Metafile, filepath.Dir(abs))
	return b, err
}

// entry is the file that starts the plugin.
func entry(abs string) string {
	names := make([]string, len(abi.Hooks))
	for i, h := range abi.Hooks {
		names[i] = h.Name
	}
	file, _ := json.Marshal(filepath.ToSlash(abs)) // of a string: no error
	list, _ := json.Marshal(names)
	return fmt.Sprintf("import { start } from \"azuhost/start\";\nimport * as plugin from %s;\nstart(plugin, %s);\n", file, list)
}

// sdkPlugin gives the SDK's files from within azuhost, so that a script alone
// in a folder can be built.
func sdkPlugin() api.Plugin {
	return api.Plugin{Name: "azuhost", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^azuhost(/.*)?$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			name := strings.TrimPrefix(strings.TrimPrefix(args.Path, "azuhost"), "/")
			if name == "" {
				name = "index"
			}
			return api.OnResolveResult{Path: name + ".ts", Namespace: sdkSpace}, nil
		})
		b.OnResolve(api.OnResolveOptions{Filter: `^\./`, Namespace: sdkSpace}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: strings.TrimPrefix(args.Path, "./") + ".ts", Namespace: sdkSpace}, nil
		})
		b.OnResolve(api.OnResolveOptions{Filter: `^node:`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{}, fmt.Errorf("%s is Node's: a channel has no files, sockets or processes, and what the language and the azuhost package have", args.Path)
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: sdkSpace}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			data, err := fs.ReadFile(sdk.Files, "js/"+args.Path)
			if err != nil {
				return api.OnLoadResult{}, fmt.Errorf("the azuhost package has no %s", strings.TrimSuffix(args.Path, ".ts"))
			}
			text := string(data)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderTS}, nil
		})
	}}
}

// messages formats what the bundler has to say, with the lines in question.
func messages(list []api.Message, kind api.MessageKind) []string {
	var out []string
	for i := range list {
		list[i].Notes = advice(list[i].Notes)
	}
	for _, text := range api.FormatMessages(list, api.FormatMessagesOptions{Kind: kind}) {
		out = append(out, strings.TrimSpace(text))
	}
	return out
}

// advice has ours in the place of the bundler's, which is about options that nobody has.
func advice(notes []api.Note) []api.Note {
	var out []api.Note
	for _, n := range notes {
		switch {
		case strings.Contains(n.Text, "PlatformNode"):
			n.Text = "It is Node's: a channel has no files, sockets or processes, and what the language and the azuhost package have."
		case strings.Contains(n.Text, "as external"):
			n.Text = "A package has to be in node_modules: npm install it beside the file."
		case strings.Contains(n.Text, "main fields"), strings.Contains(n.Text, "Platform:"):
			continue
		}
		out = append(out, n)
	}
	return out
}

// inputs are the files that the bundle was made of, without the SDK's.
func inputs(metafile, dir string) ([]string, error) {
	var m struct {
		Inputs map[string]json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &m); err != nil {
		return nil, fmt.Errorf("what the bundle is made of: %w", err)
	}
	var out []string
	for name := range m.Inputs {
		if !strings.HasPrefix(name, sdkSpace) {
			out = append(out, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	return out, nil
}
