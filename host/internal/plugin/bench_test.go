package plugin

import (
	"bytes"
	"context"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

func BenchmarkEcho(b *testing.B) {
	for _, mode := range []Mode{Single, Pool} {
		for _, m := range []Metering{Off, Deadline} {
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
