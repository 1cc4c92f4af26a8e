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

// instance is a guest with the host functions that it imports.
type instance struct {
	api.Module
	callback *callback
	log      []string // calls of host functions, with their arguments
}

// start instantiates a module. Host functions other than those of WASI return zeros and log their arguments.
func start(t testing.TB, module []byte, slice int64) (*instance, error) {
	t.Helper()
	ctx := context.Background()
	rt := newRuntime(t)
	inst := &instance{callback: &callback{slice: slice}}
	inst.callback.instantiate(t, rt)
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
		call := func(_ context.Context, _ api.Module, stack []uint64) {
			inst.record(name, params, stack)
			clear(stack[:len(results)])
		}
		builders[mod].NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(call), params, results).Export(name)
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

// record logs the call of a host function. It keeps the first 1,000.
func (i *instance) record(name string, params []api.ValueType, stack []uint64) {
	if len(i.log) == 1000 {
		return
	}
	args := append([]uint64(nil), stack[:len(params)]...)
	for j, p := range params {
		if p == api.ValueTypeI32 {
			args[j] = uint64(uint32(args[j])) // the upper half is undefined
		}
	}
	i.log = append(i.log, fmt.Sprint(name, args))
}

func mustStart(t testing.TB, module []byte, slice int64) *instance {
	t.Helper()
	inst, err := start(t, module, slice)
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

// builtGo returns the Go guest, which it builds once.
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
