package script

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// probeResult lists the hooks that a script has, and the natives that it may call. sdk/js/start.ts reports it.
type probeResult struct {
	Hooks []string `json:"hooks"`
	Used  []string `json:"used"`
}

// defaultTimeout bounds the first run of a script, which is its code outside of hooks. An idle machine needs a tenth
// of a second.
const defaultTimeout = 20 * time.Second

// reportNative is a native that exists in the probe only. It calls an import of the same name.
const reportNative = "report"

// probe runs the script once, as an instance does before its first event. Its errors are those of loading the plugin.
func probe(ctx context.Context, quickJS []byte, b *bundle, o Options) (*probeResult, error) {
	l, err := link.New(quickJS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeName, err)
	}
	g := &glue{
		Linker: l, natives: append(allNatives(), reportNative), script: b.code, sourceMap: b.sourceMap.encode(),
	}
	l.Import("probe", reportNative, link.Type{Params: "ii", Results: "i"})
	l.Func("native."+reportNative, nativeType, "i", func(c *link.Code) {
		const argv, text = 0, 1
		c.Get(argv)
		pushSlot(c, 0)
		c.Call("bytes").Set(text)
		c.Get(text).GetGlobal("area").Load(areaSlots).Call("probe.report").Drop()
		pushSlot(c, 0)
		c.Call("release").I64(undefined)
	})
	g.build()
	module, err := l.Link()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeName, err)
	}
	p := &probeHost{sourceMap: b.sourceMap, console: o.Console}
	if err := p.run(ctx, module, cmp.Or(o.Timeout, defaultTimeout)); err != nil {
		return nil, err
	}
	return p.result, nil
}

// probeHost is the host of a probe.
type probeHost struct {
	sourceMap *sourceMap
	console   io.Writer
	result    *probeResult
	failure   string // exception and stack trace of the script
}

func (p *probeHost) run(ctx context.Context, module []byte, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The interpreter needs no time to compile, and the code runs once.
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
		WithCloseOnContextDone(true).WithMemoryLimitPages(1024))
	defer r.Close(context.WithoutCancel(ctx))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return err
	}
	if err := p.addHostFunctions(ctx, r); err != nil {
		return err
	}
	if err := p.addReport(ctx, r); err != nil {
		return err
	}
	_, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions(abi.InitExport).
		WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader).WithStdout(p.console).WithStderr(p.console))
	switch {
	case p.failure != "":
		return &SourceError{Text: p.sourceMap.mapStack(p.failure)}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &SourceError{Text: fmt.Sprintf("the script did not end within %s: code outside of hooks must end", timeout)}
	case err != nil:
		return fmt.Errorf("the script does not start: %w", err)
	case p.result == nil:
		return &SourceError{Text: "the script ended without starting its channel"}
	}
	return nil
}

// addHostFunctions adds the host functions of the ABI. They answer as before the first hook: most return STATE.
func (p *probeHost) addHostFunctions(ctx context.Context, r wazero.Runtime) error {
	azu := r.NewHostModuleBuilder(abi.Module)
	for _, im := range abi.Imports {
		params := make([]api.ValueType, len(im.Params))
		for i, param := range im.Params {
			params[i] = api.ValueType(param.Type)
		}
		call := func(_ context.Context, m api.Module, stack []uint64) { stack[0] = p.hostFunction(m, im.Name, stack) }
		azu.NewFunctionBuilder().
			WithGoModuleFunction(api.GoModuleFunc(call), params, []api.ValueType{api.ValueType(im.Result)}).
			Export(im.Name)
	}
	_, err := azu.Instantiate(ctx)
	return err
}

// hostFunction returns the result of a host function.
func (p *probeHost) hostFunction(m api.Module, name string, args []uint64) uint64 {
	switch name {
	case "now":
		return uint64(time.Now().UnixNano())
	case "log":
		if line := readText(m, args[1], args[2]); p.failure == "" {
			fmt.Fprintln(p.console, line)
		} else if line != p.failure {
			p.failure += "\n" + line // the stack trace
		}
		return 0
	case "fail":
		p.failure = readText(m, args[0], args[1])
	}
	return api.EncodeI32(int32(abi.State))
}

// addReport adds the import that the script calls with the probeResult.
func (p *probeHost) addReport(ctx context.Context, r wazero.Runtime) error {
	report := func(_ context.Context, m api.Module, stack []uint64) {
		p.result = &probeResult{}
		if err := json.Unmarshal([]byte(readText(m, stack[0], stack[1])), p.result); err != nil {
			p.failure = err.Error()
		}
		stack[0] = 0
	}
	i32 := api.ValueTypeI32
	_, err := r.NewHostModuleBuilder("probe").NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(report), []api.ValueType{i32, i32}, []api.ValueType{i32}).
		Export(reportNative).Instantiate(ctx)
	return err
}

// readText reads a text from the memory of the module. It returns "" if that is out of bounds.
func readText(m api.Module, ptr, length uint64) string {
	b, _ := m.Memory().Read(uint32(ptr), uint32(length))
	return string(b)
}
