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

// features are what modules may use: WebAssembly 2.0 and constant expressions
// that calculate. Exception handling corrupts locals in this version of
// wazero, and threads have no meaning here. Tail calls loop without a loop
// header, which is where wazero's own guard looks: they come with fuel alone.
func features(m Metering) api.CoreFeatures {
	f := api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst
	if m == Fuel {
		f |= experimental.CoreFeaturesTailCall
	}
	return f
}

// version is a compiled module, with a runtime of its own: the unit of limits
// and of teardown.
type version struct {
	plugin *Plugin
	id     string
	sum    [sha256.Size]byte
	info   *Info
	hooks  uint32       // bit h is set: the module has hook h
	fuel   atomic.Int64 // spent by all instances
	trial  atomic.Pointer[Trial]

	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache // nil without CacheDir

	// Guarded by Plugin.pool.mu.
	refs    int  // events and other users of this version
	retired bool // another version is current; freed when refs is 0
}

// VersionID is how people call a module: the first 12 hex digits of its SHA-256.
func VersionID(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:6]) }

func (v *version) has(h abi.Hook) bool { return v.hooks&(1<<h) != 0 }

// compile compiles and checks a module, and gives its runtime the host
// functions. None of the module runs.
func (p *Plugin) compile(ctx context.Context, module []byte, sum [sha256.Size]byte) (*version, error) {
	v := &version{plugin: p, id: VersionID(sum), sum: sum}
	v.trial.Store(newTrial(v))
	code, err := p.scan(module)
	if err != nil {
		return nil, err
	}
	err = v.compile(ctx, code, p.options.CacheDir)
	if err != nil && v.cache != nil && ctx.Err() == nil {
		// A damaged file in the cache fails the compilation, too.
		uncached := v.compile(ctx, code, "")
		if uncached == nil {
			p.log.Warn("plugin compiled without the cache", "version", v.id, "cache", p.options.CacheDir, "err", err)
		}
		err = uncached
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

// compile fills in runtime, compiled and cache. After an error they are
// closed; cache stays set if it was used.
func (v *version) compile(ctx context.Context, wasm []byte, cacheDir string) (err error) {
	limit := v.plugin.alloc.limit
	rc := meterConfig(wazero.NewRuntimeConfig(), v.plugin.options.Metering).
		WithCoreFeatures(features(v.plugin.options.Metering)).
		WithMemoryLimitPages(uint32(limit / wasmPage)).
		WithDebugInfoEnabled(false) // line tables cost memory; function names stay
	v.cache = nil
	if cacheDir != "" {
		if err := prepareCacheDir(cacheDir); err != nil {
			return err
		}
		if v.cache, err = openCache(cacheDir); err != nil {
			return fmt.Errorf("cache directory: %w", err)
		}
		rc = rc.WithCompilationCache(v.cache)
	}
	v.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	v.compiled, err = compileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), v.runtime, wasm)
	if err != nil {
		v.close()
	}
	return err
}

// opening serialises openCache: wazero v1.12 finds out its own version in it,
// and keeps that in a variable without a lock.
var opening sync.Mutex

func openCache(dir string) (wazero.CompilationCache, error) {
	opening.Lock()
	defer opening.Unlock()
	return wazero.NewCompilationCacheWithDir(dir)
}

// compileModule compiles, and turns a panic of the compiler into an error
// (one in a worker of the compiler ends the process, and nothing helps).
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

// prepare checks the module and instantiates the host modules that it imports.
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
		v.plugin.log.Info("plugin goes without capabilities that the route does not allow", "version", v.id, "without", without)
	}
	for _, h := range v.info.hooks {
		v.hooks |= 1 << h
	}
	wanted := map[string]map[string]bool{}
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

// close frees the code. No instance of v may be running.
func (v *version) close() {
	ctx := context.Background()
	var errs []error
	// In this order: the runtime closes what is instantiated, and with a
	// cache the code belongs to the cache.
	errs = append(errs, v.runtime.Close(ctx))
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
