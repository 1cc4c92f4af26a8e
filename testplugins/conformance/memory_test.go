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

// TestMemory sends many messages to each committed guest. Its memory must not grow: what it allocates for one
// message has to be free for the next. AssemblyScript, whose SDK collects garbage now and then, gets a million.
func TestMemory(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("sends a million messages to each guest; needs no -short and no -race")
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
			m := startInstance(t, file)
			for range warm {
				m.sendMessage()
			}
			before := m.mod.Memory().Size()
			for range messages - warm {
				m.sendMessage()
			}
			if after := m.mod.Memory().Size(); after > before {
				t.Errorf("%d bytes after %d messages, %d after %d", before, warm, after, messages)
			}
		})
	}
}

// instance is a guest whose host functions do nothing.
type instance struct {
	t     *testing.T
	mod   api.Module
	hook  api.Function
	stack []uint64
}

const script = "count;event;send|some text;nothing"

// startInstance instantiates the guest in a file and writes the script to its inbox.
func startInstance(t *testing.T, file string) *instance {
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
		results := []api.ValueType{api.ValueType(d.Result)}
		azu.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(nothing), params, results).Export(d.Name)
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
	mod.Memory().WriteString(uint32(inbox[0]>>32), script)
	return &instance{t, mod, mod.ExportedFunction(abi.OnMessage.String()), make([]uint64, 3)}
}

// sendMessage runs on_message with the script.
func (m *instance) sendMessage() {
	copy(m.stack, []uint64{7, uint64(len(script)), uint64(abi.Text)})
	if err := m.hook.CallWithStack(context.Background(), m.stack); err != nil || m.stack[0] != 0 {
		m.t.Fatal(slices.Clone(m.stack), err)
	}
}
