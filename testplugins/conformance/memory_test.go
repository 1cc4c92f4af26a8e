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

// TestMemory sends many messages to each committed guest. The memory that a guest allocates for a message must be free
// for the next one. A guest that collects garbage when its SDK starts the collection gets a million messages.
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
			g := startBare(t, file)
			for range warm {
				g.message()
			}
			before := g.mod.Memory().Size()
			for range messages - warm {
				g.message()
			}
			if after := g.mod.Memory().Size(); after > before {
				t.Errorf("the memory has %d bytes after %d messages, and %d after %d", before, warm, after, messages)
			}
		})
	}
}

// bareGuest is a module whose host functions do nothing.
type bareGuest struct {
	t     *testing.T
	mod   api.Module
	hook  api.Function
	stack []uint64
}

// memoryScript is the message of TestMemory.
const memoryScript = "count;event;send|some text;nothing"

func startBare(t *testing.T, file string) *bareGuest {
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
		azu.NewFunctionBuilder().
			WithGoModuleFunction(api.GoModuleFunc(nothing), params, []api.ValueType{api.ValueType(d.Result)}).
			Export(d.Name)
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
	inbox, err := mod.ExportedFunction(abi.VersionExport).Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mod.Memory().WriteString(uint32(inbox[0]>>32), memoryScript)
	return &bareGuest{t, mod, mod.ExportedFunction(abi.OnMessage.String()), make([]uint64, 3)}
}

// message calls on_message.
func (g *bareGuest) message() {
	copy(g.stack, []uint64{7, uint64(len(memoryScript)), uint64(abi.Text)})
	if err := g.hook.CallWithStack(context.Background(), g.stack); err != nil || g.stack[0] != 0 {
		g.t.Fatal(slices.Clone(g.stack), err)
	}
}
