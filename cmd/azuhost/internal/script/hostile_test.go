package script_test

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
)

// hostile runs a script that does its worst when it is told to.
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

// spared are attacks that QuickJS ends with an exception: the instance goes on.
// The others are ended by the host, or by either.
var spared = []string{"recursion", "getters", "rejection", "never"}

// TestHostile has a script do its worst, with the limits that a route has by
// default, while a room on another route goes on talking. The client of the
// script gets INTERNAL_ERROR and nothing of what the hook asked for, and is
// answered after it.
func TestHostile(t *testing.T) {
	quiet := host.Route{Path: "/quiet", Channel: &host.Funcs{OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
		return env.Send(conn, m.Kind, m.Data)
	}}}
	quiet.Limits.MessagesPerSecond = -1 // its client sends as fast as it is answered
	s := serve(t, hostile, func(r *host.Route) {
		r.Limits.Deadline = 0    // the default
		r.Limits.Faults = 10_000 // no quarantine: each attack is to be seen
	}, quiet)
	room := talk(s)
	before := heap()
	for _, name := range attacks() {
		t.Run(name, func(t *testing.T) {
			c := s.dial("/c/r")
			faults := strings.Count(s.log.String(), "instance is replaced")
			room.during(t, func() { c.ask(name, internalError) })
			c.send(websocket.MessageText, "hello")
			for _, want := range []string{"never", "hello"} {
				if got := c.read(); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			if n := strings.Count(s.log.String(), "instance is replaced") - faults; n > 0 && slices.Contains(spared, name) {
				t.Errorf("%d faults: an exception would have spared the instance", n)
			}
			_ = c.c.Close(websocket.StatusNormalClosure, "")
		})
	}
	room.end()
	if grown := int64(heap()) - int64(before); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
}

// attacks are the names of the attacks.
func attacks() (names []string) {
	for line := range strings.Lines(hostile) {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "  "), "async ")
		if name, rest, ok := strings.Cut(line, "() {"); ok && rest != "" && !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	return names
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// chatter is a client that talks to a quiet route all the time.
type chatter struct {
	stop chan struct{}
	done chan struct{}
	slow chan time.Duration // the slowest round trip since it was asked
	err  error              // why it ended, once done is closed
}

func talk(s *stage) *chatter {
	c := s.dial("/quiet")
	r := &chatter{stop: make(chan struct{}), done: make(chan struct{}), slow: make(chan time.Duration)}
	go func() {
		defer close(r.done)
		var slowest time.Duration
		for {
			begin := time.Now()
			if r.err = c.c.Write(s.Context(), websocket.MessageText, []byte("x")); r.err != nil {
				return
			}
			if _, _, r.err = c.c.Read(s.Context()); r.err != nil {
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
	}()
	return r
}

// during runs f, and fails the test if a round trip took too long meanwhile.
func (r *chatter) during(t *testing.T, f func()) {
	t.Helper()
	limit := time.Second // where other work shares the machine: nothing stood still
	if os.Getenv("AZUHOST_STRICT") != "" {
		limit = 30 * time.Millisecond
	}
	r.slowest(t)
	begin := time.Now()
	f()
	slowest := r.slowest(t)
	t.Logf("contained in %s; slowest round trip of the quiet room %s", time.Since(begin), slowest)
	if slowest > limit {
		t.Errorf("the quiet room waited for %s: more than %s", slowest, limit)
	}
}

// slowest is the slowest round trip since it was last asked for.
func (r *chatter) slowest(t *testing.T) (d time.Duration) {
	t.Helper()
	select {
	case d = <-r.slow:
	case <-r.done:
		t.Fatalf("the quiet room has ended: %v", r.err)
	}
	return d
}

func (r *chatter) end() {
	close(r.stop)
	<-r.done
}
