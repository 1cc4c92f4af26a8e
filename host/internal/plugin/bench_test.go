package plugin

import (
	"bytes"
	"context"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

func BenchmarkEcho(b *testing.B) {
	for _, mode := range []Mode{Single, Pool} {
		for _, m := range []Metering{Off, Fuel, Deadline} {
			b.Run(string(mode)+"/"+string(m), func(b *testing.B) {
				p := newPlugin(b, Options{Mode: mode, Metering: m}, guest(b, "bounce"))
				ctx, env := context.Background(), &quietEnv{}
				ev := Event{Hook: abi.OnMessage, Conn: 7, Data: bytes.Repeat([]byte("x"), 128), Arg: 1}
				b.ReportAllocs()
				for b.Loop() {
					if err := p.Run(ctx, &ev, env); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkStart is what an instance costs.
func BenchmarkStart(b *testing.B) {
	p := newPlugin(b, Options{}, guest(b, "bounce"))
	v, inst, err := p.take(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer p.put(v, inst)
	b.ReportAllocs()
	for b.Loop() {
		i, err := v.start(nil)
		if err != nil {
			b.Fatal(err)
		}
		i.close()
	}
}

// BenchmarkLoad is what a new version of a small module costs.
func BenchmarkLoad(b *testing.B) {
	p := newPlugin(b, Options{NewEnv: newCounterEnv}, nil)
	versions := [][]byte{guest(b, "counter"), variant(b, "VERSION1")}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		mustLoad(b, p, versions[n%2])
	}
}
