package script

import (
	"path/filepath"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// inputRecorder records the files that the bundler reads or looks for. When a bundle fails, the bundler does not report
// them.
type inputRecorder struct {
	mu    sync.Mutex // the bundler calls plugins concurrently
	files []string
}

func (r *inputRecorder) add(file string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = append(r.files, file)
}

// plugin returns a plugin of the bundler that records files, and leaves all decisions to other plugins.
func (r *inputRecorder) plugin() api.Plugin {
	setup := func(b api.PluginBuild) {
		relative := api.OnResolveOptions{Filter: `^\.\.?/`, Namespace: "file"}
		b.OnResolve(relative, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			path := filepath.Join(args.ResolveDir, filepath.FromSlash(args.Path))
			r.add(path)
			r.add(filepath.Join(path, "index")) // if path is a folder
			return api.OnResolveResult{}, nil
		})
		all := api.OnLoadOptions{Filter: `.*`, Namespace: "file"}
		b.OnLoad(all, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			r.add(args.Path)
			return api.OnLoadResult{}, nil
		})
	}
	return api.Plugin{Name: "record inputs", Setup: setup}
}
