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

// found is what a script has, as sdk/js/start.ts reports it.
type found struct {
	Hooks []string `json:"hooks"`
	Used  []string `json:"used"`
}

// defaultTimeout bounds the first run of a script: what it does outside of
// hooks. A run takes a tenth of a second on a machine that is not busy.
const defaultTimeout = 20 * time.Second

// report is the native that is there in the probe only, and its import.
const report = "report"

// probe runs the script once, as an instance does before its first event, to
// learn which hooks it has and which functions it may call. Errors are those
// that a plugin would have when it is loaded.
func probe(ctx context.Context, quickJS []byte, b *bundle, o Options) (*found, error) {
	l, err := link.New(quickJS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeName, err)
	}
	g := &glue{Linker: l, natives: append(allNatives(), report), script: b.code, sourceMap: b.places.encode()}
	l.Import("probe", report, link.Type{Params: "ii", Results: "i"})
	l.Func("native."+report, nativeType, "i", func(c *link.Code) {
		const argv, text = 0, 1
		c.Get(argv)
		slot(c, 0)
		c.Call("bytes").Set(text)
		c.Get(text).GetGlobal("area").Load(areaSlots).Call("probe.report").Drop()
		slot(c, 0)
		c.Call("release").I64(undefined)
	})
	g.add()
	module, err := l.Link()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeName, err)
	}
	p := &prober{bundle: b, console: o.Console}
	if err := p.run(ctx, module, cmp.Or(o.Timeout, defaultTimeout)); err != nil {
		return nil, err
	}
	return p.found, nil
}

// prober is the host of a probe.
type prober struct {
	bundle  *bundle
	console io.Writer
	found   *found
	failure string
}

func (p *prober) run(ctx context.Context, module []byte, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The interpreter starts at once, and what runs here runs once.
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCloseOnContextDone(true).WithMemoryLimitPages(1024))
	defer r.Close(context.WithoutCancel(ctx))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return err
	}
	if err := p.imports(ctx, r); err != nil {
		return err
	}
	_, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions(abi.InitExport).
		WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader).WithStdout(p.console).WithStderr(p.console))
	switch {
	case p.failure != "":
		return &SourceError{Text: p.bundle.places.mapped(p.failure)}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &SourceError{Text: fmt.Sprintf("the script did not come to its end within %s: outside of hooks it may prepare things, and must end", timeout)}
	case err != nil:
		return fmt.Errorf("the script does not start: %w", err)
	case p.found == nil:
		return &SourceError{Text: "the script ended without starting its channel"}
	}
	return nil
}

// imports gives the module what it imports: the host functions answer as they
// do before the first hook.
func (p *prober) imports(ctx context.Context, r wazero.Runtime) error {
	azu := r.NewHostModuleBuilder(abi.Module)
	for _, im := range abi.Imports {
		params := make([]api.ValueType, len(im.Params))
		for i, param := range im.Params {
			params[i] = api.ValueType(param.Type)
		}
		f := func(_ context.Context, m api.Module, stack []uint64) {
			answer := abi.State
			switch im.Name {
			case "fail":
				p.failure = text(m, stack[0], stack[1])
			case "log":
				if line := text(m, stack[1], stack[2]); p.failure == "" {
					fmt.Fprintln(p.console, line)
				} else if line != p.failure {
					p.failure += "\n" + line // the stack
				}
				answer = 0
			case "now":
				stack[0] = uint64(time.Now().UnixNano())
				return
			}
			stack[0] = api.EncodeI32(int32(answer))
		}
		azu.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(f), params, []api.ValueType{api.ValueType(im.Result)}).Export(im.Name)
	}
	if _, err := azu.Instantiate(ctx); err != nil {
		return err
	}
	told := func(_ context.Context, m api.Module, stack []uint64) {
		p.found = &found{}
		if err := json.Unmarshal([]byte(text(m, stack[0], stack[1])), p.found); err != nil {
			p.failure = err.Error()
		}
		stack[0] = 0
	}
	i32 := api.ValueTypeI32
	_, err := r.NewHostModuleBuilder("probe").NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(told), []api.ValueType{i32, i32}, []api.ValueType{i32}).Export(report).Instantiate(ctx)
	return err
}

func text(m api.Module, ptr, length uint64) string {
	b, _ := m.Memory().Read(uint32(ptr), uint32(length))
	return string(b)
}
