package plugin

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// echoGuests are echo guests, one written by hand and one from a compiler.
var echoGuests = []struct {
	name   string
	module func(testing.TB) []byte
}{
	{"wat", func(b testing.TB) []byte { return guest(b, "bounce") }},
	{"c", echoInC},
}

// BenchmarkEcho runs a hook that sends 128 bytes back. bench/README.md explains how to compare the meterings.
func BenchmarkEcho(b *testing.B) {
	for _, g := range echoGuests {
		for _, mode := range []Mode{Single, Pool} {
			for _, m := range []Metering{Off, Fuel, Deadline} {
				b.Run("guest="+g.name+"/mode="+string(mode)+"/metering="+string(m), func(b *testing.B) {
					benchmarkEcho(b, Options{Mode: mode, Metering: m}, g.module(b))
				})
			}
		}
	}
}

// BenchmarkMetering measures the three meterings in alternation, so that a busy machine slows all of them. It reports
// the medians, and the cost of fuel relative to the others.
func BenchmarkMetering(b *testing.B) {
	for _, g := range echoGuests {
		b.Run(g.name, func(b *testing.B) {
			const calls = 2_000
			meterings := []Metering{Off, Fuel, Deadline}
			var plugins []*Plugin
			for _, m := range meterings {
				plugins = append(plugins, newPlugin(b, Options{Metering: m}, g.module(b)))
			}
			ctx, env := context.Background(), &quietEnv{}
			ev := Event{Hook: abi.OnMessage, Conn: 7, Data: bytes.Repeat([]byte("x"), 128), Arg: 1}
			var took [3][]float64
			for b.Loop() {
				for i, p := range plugins {
					start := time.Now()
					for range calls {
						if err := p.Run(ctx, &ev, env); err != nil {
							b.Fatal(err)
						}
					}
					took[i] = append(took[i], float64(time.Since(start))/calls)
				}
			}
			var median [3]float64
			for i := range took {
				slices.Sort(took[i])
				median[i] = took[i][len(took[i])/2]
			}
			b.ReportMetric(0, "ns/op")
			for i, m := range meterings {
				b.ReportMetric(median[i], "ns/"+string(m))
			}
			b.ReportMetric(median[1]/median[0], "of-off")
			b.ReportMetric(median[1]/median[2], "of-deadline")
		})
	}
}

func benchmarkEcho(b *testing.B, o Options, module []byte) {
	p := newPlugin(b, o, module)
	ctx, env := context.Background(), &quietEnv{}
	ev := Event{Hook: abi.OnMessage, Conn: 7, Data: bytes.Repeat([]byte("x"), 128), Arg: 1}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Run(ctx, &ev, env); err != nil {
			b.Fatal(err)
		}
	}
}

// echoInC returns a guest that copies the message before it sends it, as most programs do.
func echoInC(b testing.TB) []byte {
	const source = `
typedef unsigned long long u64;
__attribute__((import_module("azu"), import_name("send"))) int azu_send(u64 conn, int kind, const void *data, int len);
static unsigned char inbox[65536], out[65536];
__attribute__((export_name("azu_v1"))) u64 azu_v1(void) { return (u64)(unsigned long)inbox << 32 | sizeof inbox; }
__attribute__((export_name("on_message"))) int on_message(u64 conn, int len, int kind) {
	if (len > (int)sizeof inbox) return -4;
	for (int i = 0; i < len; i++) out[i] = inbox[i];
	return azu_send(conn, kind, out, len);
}`
	for _, clang := range []string{"clang-19", "clang"} {
		if _, err := exec.LookPath(clang); err != nil {
			continue
		}
		file := filepath.Join(b.TempDir(), "echo.wasm")
		cmd := exec.Command(clang, "--target=wasm32", "-O2", "-fno-builtin", "-nostdlib", "-Wl,--no-entry",
			"-x", "c", "-", "-o", file)
		cmd.Stdin = strings.NewReader(source)
		if text, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", clang, err, text)
		}
		module, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		return module
	}
	b.Skip("clang is missing: install clang and lld")
	return nil
}

// BenchmarkStart measures the start of an instance.
func BenchmarkStart(b *testing.B) {
	p := newPlugin(b, Options{}, guest(b, "bounce"))
	v, inst, err := p.acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer p.release(v, inst)
	b.ReportAllocs()
	for b.Loop() {
		i, err := v.start(nil)
		if err != nil {
			b.Fatal(err)
		}
		i.close()
	}
}

// BenchmarkLoad measures the load of a new version of a small module.
func BenchmarkLoad(b *testing.B) {
	p := newPlugin(b, Options{NewEnv: newCounterEnv}, nil)
	versions := [][]byte{guest(b, "counter"), variant(b, "VERSION1")}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		mustLoad(b, p, versions[n%2])
	}
}
