package host

import (
	"context"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// BenchmarkEvent measures an event from the reader to the frames that it sends, without a socket: the same echo in Go
// and in Wasm.
func BenchmarkEvent(b *testing.B) {
	echo := func(env Env, conn ConnID, m Message) error { return env.Send(conn, m.Kind, m.Data) }
	for _, bm := range []struct {
		name  string
		route Route
	}{
		{"go", Route{Channel: &Funcs{OnMessage: echo}}},
		{"go-concurrent", Route{Channel: &Funcs{OnMessage: echo, Concurrent: true}}},
		{"wasm", Route{Plugin: "../testplugins/echo.wasm"}},
		{"wasm-unmetered", Route{Plugin: "../testplugins/echo.wasm", Metering: MeterOff}},
		{"wasm-pool", Route{Plugin: "../testplugins/echo.wasm", Instances: Pool}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			bm.route.Path = "/echo"
			h, err := New(Options{Routes: []Route{bm.route}})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = h.Close(context.Background()) }()
			rt := h.runtime("/echo")
			c := &conn{rt: rt, outbox: hub.Outbox{Hub: rt.hub}}
			sink := &countingSink{}
			c.member = hub.MakeMember(1, sink, false)
			rt.hub.Add(&c.member)
			defer rt.hub.Remove(&c.member) // Close would close the socket, which is nil
			ev := plugin.Event{Hook: abi.OnMessage, Conn: 1, Data: make([]byte, 128), Arg: int32(abi.Binary)}
			b.ReportAllocs()
			for b.Loop() {
				if err := rt.run(context.Background(), invocation{event: ev, conn: c, outbox: &c.outbox}); err != nil {
					b.Fatal(err)
				}
				c.outbox.Flush()
			}
			if sink.frames < b.N {
				b.Fatalf("%d frames for %d events", sink.frames, b.N)
			}
		})
	}
}

// countingSink counts the frames that are delivered.
type countingSink struct{ frames int }

func (s *countingSink) Deliver([]byte) { s.frames++ }
