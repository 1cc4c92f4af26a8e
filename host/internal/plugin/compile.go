package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// features returns the WebAssembly features that modules may use: WebAssembly 2.0 and extended constant expressions.
// Exception handling is off because it corrupts locals in this version of wazero. Threads are off because an instance
// runs one hook at a time. Tail calls are on with Metering Fuel only: they loop without a loop header, and the deadline
// checks of wazero are in loop headers.
func features(m Metering) api.CoreFeatures {
	f := api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst
	if m == Fuel {
		f |= experimental.CoreFeaturesTailCall
	}
	return f
}

// version is a compiled module with its own runtime. Limits and cleanup apply to a version as a whole.
type version struct {
	plugin *Plugin
	id     string
	sum    [sha256.Size]byte
	info   *Info
	hooks  uint32 // bit h is set if the module has hook h

	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache // nil without CacheDir

	fuel  atomic.Int64 // spent by all instances
	trial atomic.Pointer[Trial]

	// Guarded by Plugin.pool.mu.
	refs    int  // events and other users; they keep the code compiled
	retired bool // not the current version; freed when refs is 0
}

// VersionID returns the id of a module: the first 12 hex digits of its SHA-256.
func VersionID(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:6]) }

func (v *version) has(h abi.Hook) bool { return v.hooks&(1<<h) != 0 }

// compile compiles and validates a module, and adds the host functions to its runtime. No code of the module runs.
func (p *Plugin) compile(ctx context.Context, module []byte, sum [sha256.Size]byte) (*version, error) {
	v := &version{plugin: p, id: VersionID(sum), sum: sum}
	v.trial.Store(newTrial(v))
	code, err := p.codeToCompile(module)
	if err != nil {
		return nil, err
	}
	err = v.compile(ctx, code, p.options.CacheDir)
	if err != nil && v.cache != nil && ctx.Err() == nil {
		// A damaged file in the cache makes the compilation fail, too.
		errUncached := v.compile(ctx, code, "")
		if errUncached == nil {
			p.log.Warn("plugin compiled without the cache", "version", v.id, "cache", p.options.CacheDir, "err", err)
		}
		err = errUncached
	}
	if err != nil {
		return nil, err
	}
	if err := v.prepare(ctx, module); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// compile sets runtime, compiled and cache. After an error they are closed; cache stays set if it was used.
func (v *version) compile(ctx context.Context, wasm []byte, cacheDir string) (err error) {
	rc := deadlineConfig(wazero.NewRuntimeConfig(), v.plugin.options.Metering).
		WithCoreFeatures(features(v.plugin.options.Metering)).
		WithMemoryLimitPages(uint32(v.plugin.alloc.limit / wasmPage)).
		WithDebugInfoEnabled(false) // line tables cost memory; function names stay
	v.cache = nil
	if cacheDir != "" {
		if err := PrepareDir("cache directory", cacheDir); err != nil {
			return err
		}
		if v.cache, err = openCache(cacheDir); err != nil {
			return fmt.Errorf("cache directory: %w", err)
		}
		rc = rc.WithCompilationCache(v.cache)
	}
	v.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	v.compiled, err = compileModule(ctx, v.runtime, wasm)
	if err != nil {
		v.close()
	}
	return err
}

// cacheOpen serializes openCache: wazero v1.12 finds out its own version there, and keeps it in a variable without a
// lock.
var cacheOpen sync.Mutex

func openCache(dir string) (wazero.CompilationCache, error) {
	cacheOpen.Lock()
	defer cacheOpen.Unlock()
	return wazero.NewCompilationCacheWithDir(dir)
}

// compileModule compiles a module, and returns a panic of the compiler as an error. It cannot recover a panic in a
// worker goroutine of the compiler, which ends the process.
func compileModule(ctx context.Context, rt wazero.Runtime, wasm []byte) (m wazero.CompiledModule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the compiler failed: %v", r)
		}
	}()
	m, err = rt.CompileModule(ctx, wasm)
	switch {
	case err == nil:
		return m, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, explainCompile(wasm, err)
}

// prepare validates the module and instantiates the host modules that it imports.
func (v *version) prepare(ctx context.Context, wasm []byte) error {
	v.info = describe(v.compiled, wasm, v.plugin.options.Metering == Fuel)
	if v.info.Problem != "" {
		return errors.New(v.info.Problem)
	}
	without, err := v.info.Denied(v.plugin.options.Allow)
	if err != nil {
		return err
	}
	if len(without) > 0 {
		v.plugin.log.Info("plugin goes without capabilities that the route does not allow",
			"version", v.id, "without", without)
	}
	for _, h := range v.info.hooks {
		v.hooks |= 1 << h
	}
	wanted := map[string]map[string]bool{} // module, then function
	for _, im := range v.info.Imports {
		if wanted[im.Module] == nil {
			wanted[im.Module] = map[string]bool{}
		}
		wanted[im.Module][im.Name] = true
	}
	var errs []error
	if v.plugin.options.Metering == Fuel {
		errs = append(errs, instantiateMeter(ctx, v.runtime))
	}
	if names := wanted[abi.Module]; names != nil {
		errs = append(errs, instantiateHost(ctx, v.runtime, names, without))
	}
	if names := wanted[wasiModule]; names != nil {
		errs = append(errs, instantiateWASI(ctx, v.runtime, names, without))
	}
	if wanted[envModule] != nil {
		errs = append(errs, instantiateAbort(ctx, v.runtime))
	}
	return errors.Join(errs...)
}

// close frees the code. No instance of v may run.
func (v *version) close() {
	ctx := context.Background()
	// The order matters: the runtime closes its instances, and with a cache the code belongs to the cache.
	errs := []error{v.runtime.Close(ctx)}
	if v.compiled != nil {
		errs = append(errs, v.compiled.Close(ctx))
	}
	if v.cache != nil {
		errs = append(errs, v.cache.Close(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		v.plugin.log.Warn("plugin version not closed cleanly", "version", v.id, "err", err)
	}
}
