package conformance

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/race"
)

// TestMemory sends messages to each guest that is committed, a million to one
// that collects garbage when its SDK says so: what it allocates for one has to be
// free for the next.
func TestMemory(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("sends a million messages to each guest: not with -short, nor with -race")
	}
	files, err := filepath.Glob("*/guest.wasm")
	if err != nil || len(files) == 0 {
		t.Fatalf("no guests: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Dir(file), func(t *testing.T) {
			const warm = 10_000
			messages := 100_000
			if filepath.Dir(file) == "assemblyscript" {
				messages = 1_000_000
			}
			m := start(t, file)
			for range warm {
				m.message()
			}
			before := m.mod.Memory().Size()
			for range messages - warm {
				m.message()
			}
			if after := m.mod.Memory().Size(); after > before {
				t.Errorf("%d bytes after %d messages, %d after %d", before, warm, after, messages)
			}
		})
	}
}

// bare is a module whose host functions do nothing.
type bare struct {
	t     *testing.T
	mod   api.Module
	hook  api.Function
	stack []uint64
}

const script = "count;event;send|some text;nothing"

func start(t *testing.T, file string) *bare {
	t.Helper()
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = rt.Close(ctx) })
	azu := rt.NewHostModuleBuilder(abi.Module)
	for _, d := range abi.Imports {
		var params []api.ValueType
		for _, p := range d.Params {
			params = append(params, api.ValueType(p.Type))
		}
		nothing := func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = 0 }
		azu.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(nothing), params, []api.ValueType{api.ValueType(d.Result)}).Export(d.Name)
	}
	env := rt.NewHostModuleBuilder("env")
	env.NewFunctionBuilder().WithFunc(func(_, _, _, _ uint32) { panic("abort") }).Export("abort")
	for _, b := range []wazero.HostModuleBuilder{azu, env} {
		if _, err := b.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mod, err := rt.Instantiate(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	where, err := mod.ExportedFunction(abi.VersionExport).Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mod.Memory().WriteString(uint32(where[0]>>32), script)
	return &bare{t, mod, mod.ExportedFunction(abi.OnMessage.String()), make([]uint64, 3)}
}

func (m *bare) message() {
	copy(m.stack, []uint64{7, uint64(len(script)), uint64(abi.Text)})
	if err := m.hook.CallWithStack(context.Background(), m.stack); err != nil || m.stack[0] != 0 {
		m.t.Fatal(slices.Clone(m.stack), err)
	}
}
