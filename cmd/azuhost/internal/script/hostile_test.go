package script_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
)

// hostile is a script that runs the attack that a message names.
const hostile = `
import { type Conn, type Message, room } from "azuhost";
const attacks: Record<string, () => unknown> = {
  loop() { for (;;); },
  regexp() { return /^(a+)+$/.test("a".repeat(40) + "b"); },
  bigint() { return 7n ** 77777777n; },
  factorial() { let n = 1n; for (let i = 1n; ; i++) n *= i; },
  memory() { const all: unknown[] = []; for (;;) all.push(new Array(1000).fill(all.length)); },
  strings() { let s = "abcdefgh"; for (;;) s += s + s.length; },
  buffers() { const all: unknown[] = []; for (;;) all.push(new ArrayBuffer(1 << 20)); },
  huge() { return "x".repeat(2 ** 29).split(""); },
  recursion() { const f = (): number => 1 + f(); return f(); },
  getters() { const o = { get a(): unknown { return this.a; } }; return o.a; },
  proxies() { let p: any = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); return p.x; },
  parse() { return JSON.parse("[".repeat(50000) + "]".repeat(50000)); },
  stringify() { let o: any = {}; for (let i = 0; i < 50000; i++) o = { o }; return JSON.stringify(o); },
  evaluate() { return (0, eval)("(".repeat(50000) + ")".repeat(50000)); },
  source() { return new RegExp("(".repeat(50000) + ")".repeat(50000)); },
  sort() { return Array.from({ length: 5000 }, (_, i) => i).sort(() => { for (;;); }); },
  jobs() { const again = (): unknown => Promise.resolve().then(again); again(); },
  async awaits() { for (;;) await null; },
  never() { return new Promise(() => {}); },
  rejection() { Promise.reject(new Error("nobody listens")); },
  generator() { function* g(): Generator { yield* g(); } return [...g()]; },
  sends() { for (;;) room("r").broadcast("x".repeat(60000)); },
  thrown() { throw { toString() { throw new Error("in toString"); }, get stack() { for (;;); } }; },
  native() { return new Uint8Array(1 << 24).sort((a, b) => a - b).map((x) => x + 1).reverse().join(); },
};
export default {
  onConnect(conn: Conn) { conn.join("r"); },
  onMessage(conn: Conn, message: Message) {
    conn.send("never");
    const attack = attacks[message as string];
    if (attack) return attack() as void;
    conn.send(message);
  },
};
`

// survivable are the attacks that QuickJS ends with an exception, after which the instance goes on. The host ends
// some of the others.
var survivable = []string{"recursion", "getters", "rejection", "never"}

// TestHostile runs each attack with the default limits of a route, while a client on another route goes on. The
// attack is answered with INTERNAL_ERROR, has no effects, and the next message is answered.
func TestHostile(t *testing.T) {
	echo := func(env host.Env, conn host.ConnID, m host.Message) error { return env.Send(conn, m.Kind, m.Data) }
	quiet := host.Route{Path: "/quiet", Channel: &host.Funcs{OnMessage: echo}}
	quiet.Limits.MessagesPerSecond = -1 // its client sends a message after each answer
	s := serve(t, hostile, func(r *host.Route) {
		r.Limits.Deadline = 0    // the default
		r.Limits.Faults = 10_000 // no quarantine
	}, quiet)
	probe := startLatencyProbe(s)
	before := heapBytes()
	for _, name := range attackNames() {
		t.Run(name, func(t *testing.T) {
			c := s.dial("/c/r")
			faults := strings.Count(s.log.String(), "instance is replaced")
			probe.during(t, func() { c.ask(name, internalError) })
			c.send(websocket.MessageText, "hello")
			for _, want := range []string{"never", "hello"} {
				if got := c.read(); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			n := strings.Count(s.log.String(), "instance is replaced") - faults
			if n > 0 && slices.Contains(survivable, name) {
				t.Errorf("%d faults, want an exception only", n)
			}
			_ = c.c.Close(websocket.StatusNormalClosure, "")
		})
	}
	probe.end()
	if grown := int64(heapBytes()) - int64(before); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
}

// attackNames returns the names of the attacks in hostile.
func attackNames() (names []string) {
	for line := range strings.Lines(hostile) {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "  "), "async ")
		if name, rest, ok := strings.Cut(line, "() {"); ok && rest != "" && !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	return names
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// latencyProbe is a client that sends a message to the quiet route after each answer.
type latencyProbe struct {
	stop chan struct{}
	done chan struct{}
	slow chan time.Duration // the slowest round trip since the last receive
	err  error              // valid once done is closed
}

func startLatencyProbe(s *stage) *latencyProbe {
	c := s.dial("/quiet")
	r := &latencyProbe{stop: make(chan struct{}), done: make(chan struct{}), slow: make(chan time.Duration)}
	go r.run(s.Context(), c.c)
	return r
}

func (r *latencyProbe) run(ctx context.Context, conn *websocket.Conn) {
	defer close(r.done)
	var slowest time.Duration
	for {
		begin := time.Now()
		if r.err = conn.Write(ctx, websocket.MessageText, []byte("x")); r.err != nil {
			return
		}
		if _, _, r.err = conn.Read(ctx); r.err != nil {
			return
		}
		slowest = max(slowest, time.Since(begin))
		select {
		case r.slow <- slowest:
			slowest = 0
		case <-r.stop:
			return
		default:
		}
	}
}

// during runs f, and fails the test if a round trip took too long meanwhile.
func (r *latencyProbe) during(t *testing.T, f func()) {
	t.Helper()
	limit := time.Second // on a machine with other work
	if os.Getenv("AZUHOST_STRICT") != "" {
		limit = 30 * time.Millisecond
	}
	r.slowest(t)
	begin := time.Now()
	f()
	slowest := r.slowest(t)
	t.Logf("ended in %s; slowest round trip of the quiet route %s", time.Since(begin), slowest)
	if slowest > limit {
		t.Errorf("a round trip of the quiet route took %s, want at most %s", slowest, limit)
	}
}

// slowest returns the slowest round trip since the last call.
func (r *latencyProbe) slowest(t *testing.T) (d time.Duration) {
	t.Helper()
	select {
	case d = <-r.slow:
	case <-r.done:
		t.Fatalf("the client of the quiet route has ended: %v", r.err)
	}
	return d
}

func (r *latencyProbe) end() {
	close(r.stop)
	<-r.done
}
