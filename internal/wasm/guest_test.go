package wasm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// instance is a guest with the host functions that it asks for.
type instance struct {
	api.Module
	hook *hook
	log  []string // calls of host functions, with their results
}

// start instantiates a module. Host functions other than those of WASI return
// zeros and note their arguments.
func start(t testing.TB, module []byte, slice int64) (*instance, error) {
	t.Helper()
	ctx := context.Background()
	rt := newRuntime(t)
	inst := &instance{hook: &hook{slice: slice}}
	inst.hook.instantiate(t, rt)
	compiled, err := rt.CompileModule(ctx, module)
	if err != nil {
		return nil, err
	}
	builders := map[string]wazero.HostModuleBuilder{}
	for _, f := range compiled.ImportedFunctions() {
		mod, name, _ := f.Import()
		if mod == options.Module || mod == "wasi_snapshot_preview1" {
			continue
		}
		if builders[mod] == nil {
			builders[mod] = rt.NewHostModuleBuilder(mod)
		}
		params, results := f.ParamTypes(), f.ResultTypes()
		builders[mod].NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
			if len(inst.log) < 1000 {
				args := append([]uint64(nil), stack[:len(params)]...)
				for i, p := range params {
					if p == api.ValueTypeI32 {
						args[i] = uint64(uint32(args[i])) // the rest is not set
					}
				}
				inst.log = append(inst.log, fmt.Sprint(name, args))
			}
			clear(stack[:len(results)])
		}), params, results).Export(name)
	}
	for _, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			return nil, err
		}
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	inst.Module, err = rt.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	return inst, err
}

func mustStart(t testing.TB, module []byte, slice int64) *instance {
	t.Helper()
	inst, err := start(t, module, slice)
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

// builtGo is the Go guest, built once.
var builtGo = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "goguest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-o", out, "./testdata/goguest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return os.ReadFile(out)
})

func goGuest(t testing.TB) []byte {
	t.Helper()
	module, err := builtGo()
	if err != nil {
		t.Fatal("the Go guest: ", err)
	}
	return module
}
