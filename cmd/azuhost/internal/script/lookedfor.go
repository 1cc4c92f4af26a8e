package script

import (
	"path/filepath"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// lookedFor gathers the files that the bundler reads, and those that it looks
// for: of a bundle that fails it says nothing else about them.
type lookedFor struct {
	mu    sync.Mutex // the bundler reads many at once
	files []string
}

func (l *lookedFor) add(file string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, file)
}

// plugin changes nothing of what the bundler does.
func (l *lookedFor) plugin() api.Plugin {
	return api.Plugin{Name: "looked for", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^\.\.?/`, Namespace: "file"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			path := filepath.Join(args.ResolveDir, filepath.FromSlash(args.Path))
			l.add(path)
			l.add(filepath.Join(path, "index")) // of a folder
			return api.OnResolveResult{}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "file"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			l.add(args.Path)
			return api.OnLoadResult{}, nil
		})
	}}
}
