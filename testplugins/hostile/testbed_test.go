package hostile

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
)

// hostilePath is the route of the hostile plugin.
const hostilePath = "/hostile"

// testbed is a host with bystanders on one route and a hostile plugin on another.
type testbed struct {
	*testing.T
	c          *testCase
	host       *host.Host
	url        string
	log        *logCounter
	options    host.Options // with both routes
	bystanders *bystanders

	attacker *wstest.Conn
	peer     *wstest.Conn // another client of the hostile plugin, which does not attack
	failed   int          // hooks that had to fail

	// idleAllocs is what the process allocates without an attack, in bytes per nanosecond. With the race detector it
	// is much, because pools then forget buffers.
	idleAllocs float64
}

// newTestbed starts a host with the bystanders' route only, and the bystanders.
func newTestbed(t *testing.T, c *testCase) *testbed {
	t.Helper()
	b := &testbed{T: t, c: c, log: &logCounter{}}
	peaceful := host.Options{Log: slog.New(b.log), PingInterval: -1, Routes: []host.Route{
		{Path: "/bystanders/:room", Plugin: "../rooms.wasm", Limits: host.Limits{Deadline: longDeadline}},
	}}
	limits := c.limits
	limits.Faults, limits.FaultWindow = 10_000, time.Second // no quarantine: the cases are about single faults
	b.options = peaceful
	b.options.Routes = append([]host.Route{{
		Path: hostilePath, Plugin: c.file(t), Instances: c.instances, Metering: c.metering, Limits: limits,
	}}, peaceful.Routes...)
	b.host, b.url = serve(t, peaceful)
	b.bystanders = newBystanders(t, b.url, "/bystanders/room")
	return b
}

// file returns the name of the case's module, which it writes if it is not in this directory.
func (c *testCase) file(t testing.TB) string {
	t.Helper()
	name, _, _ := strings.Cut(c.name, "-")
	if c.build == nil && c.write == nil {
		return name + ".wasm"
	}
	file := filepath.Join(t.TempDir(), c.name+".wasm")
	if c.write != nil {
		c.write(t, file)
	} else if err := os.WriteFile(file, c.build(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// join connects the attacker and the peer.
func (b *testbed) join() {
	b.Helper()
	b.attacker, b.peer = dial(b, b.url, hostilePath), dial(b, b.url, hostilePath)
	if !b.c.mute {
		b.exchange(b.attacker, "hello", "hello")
		b.exchange(b.peer, "hello", "hello")
	}
}

// exchange sends a message and expects an answer, and nothing before it.
func (b *testbed) exchange(c *wstest.Conn, text, answer string) {
	b.Helper()
	if err := c.WriteText(text); err != nil {
		b.Fatalf("send %q: %v", text, err)
	}
	if p, err := c.ReadFrame(); err != nil || string(p) != answer {
		b.Fatalf("%q was answered with %q, %v; want %q", text, p, err, answer)
	}
}

// measure measures the bystanders' latency for a window without an attack, and then under attack. Other processes of
// the machine can disturb either window. A result that is too slow is thus measured up to two times more: an attack
// that delays the bystanders does it each time.
func (b *testbed) measure() {
	b.Helper()
	for try := 1; ; try++ {
		idle := b.bystanders.during(func() {
			before := allocated()
			time.Sleep(window)
			b.idleAllocs = float64(allocated()-before) / float64(window)
		})
		attacked := b.bystanders.during(func() { b.attack(time.Now().Add(window)) })
		b.measured("idle p99 %s, max %s (%d); attacked p99 %s, max %s (%d)",
			idle.p99, idle.max, idle.n, attacked.p99, attacked.max, attacked.n)
		limit := max(2*idle.p99, strictP99)
		if !strict() {
			limit = max(limit, lenientP99)
		}
		if attacked.p99 <= limit {
			return
		}
		if try == 3 {
			b.Errorf("the bystanders' p99 was %s, and %s under attack: want at most %s", idle.p99, attacked.p99, limit)
			return
		}
	}
}

// measuredPrefix is the prefix of log lines that the parent process shows.
const measuredPrefix = "measured: "

// measured logs a measurement.
func (b *testbed) measured(format string, a ...any) {
	b.Helper()
	b.Log(measuredPrefix + fmt.Sprintf(format, a...))
}

// series returns the values of a metric of the hostile route, by the given label. Series with the same value of the
// label are added.
func (b *testbed) series(name, label string) map[string]float64 {
	b.Helper()
	out := map[string]float64{}
	for line := range strings.Lines(metrics(b, b.host)) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, `route="`+hostilePath+`"`) {
			continue
		}
		labels, value, _ := strings.Cut(line, "} ")
		_, v, _ := strings.Cut(labels, label+`="`)
		v, _, _ = strings.Cut(v, `"`)
		out[v] += parseValue(b, value)
	}
	return out
}

// failures returns the number of failed hooks by reason: faults, and "error" for hooks that returned an error and kept
// their instance.
func (b *testbed) failures() map[string]int {
	b.Helper()
	out := map[string]int{}
	for reason, n := range b.series("azuhost_plugin_faults_total", "reason") {
		out[reason] = int(n)
	}
	for _, n := range b.series("azuhost_plugin_hook_errors_total", "hook") {
		out["error"] += int(n)
	}
	return out
}

// wantFailures expects as many failures as there were attacks, each with one of the case's reasons.
func (b *testbed) wantFailures() {
	b.Helper()
	count := func() (expected, other int) {
		for reason, n := range b.failures() {
			if strings.Contains(" "+b.c.reasons+" ", " "+reason+" ") {
				expected += n
			} else {
				other += n
			}
		}
		return expected, other
	}
	eventually(b, "the failures are counted", func() bool {
		expected, other := count()
		return expected+other >= b.failed
	})
	if expected, other := count(); expected != b.failed || other != 0 {
		b.Errorf("%d hooks had to fail with one of [%s]; counted: %v", b.failed, b.c.reasons, b.failures())
	}
}

// wantNoEffects expects that failed hooks have had no effects. What they sent would come before the answers here.
func (b *testbed) wantNoEffects() {
	b.Helper()
	if !b.c.mute {
		b.exchange(b.peer, "still here", "still here")
		b.exchange(b.attacker, "me too", "me too")
	}
	for _, name := range []string{"azuhost_rooms", "azuhost_store_bytes", "azuhost_timers"} {
		if n := b.series(name, "route")[hostilePath]; n != 0 {
			b.Errorf("%s is %v after hooks that failed", name, n)
		}
	}
	if strings.Contains(metrics(b, b.host), "azuhost_app_") {
		b.Error("a metric of a failed hook was counted")
	}
}

// maxHeapGrowth bounds the heap after a case beyond that before it, garbage collected, in bytes: compiled code of the
// plugin, pools of buffers, the samples of the bystanders.
const maxHeapGrowth = 16 << 20

// usage is what the process uses without an attack.
type usage struct {
	heap        uint64
	guestMemory float64 // of the hostile plugin, in bytes
	goroutines  int
}

func (b *testbed) usage() usage {
	b.Helper()
	runtime.GC()
	runtime.GC() // frees what finalizers and pools have held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	memory := b.series("azuhost_plugin_memory_bytes", "route")[hostilePath]
	return usage{heap: m.HeapAlloc, guestMemory: memory, goroutines: runtime.NumGoroutine()}
}

// wantUsage waits until the process uses no more than before, except for maxHeapGrowth and the guest memory that the
// case is allowed.
func (b *testbed) wantUsage(before usage) {
	b.Helper()
	maxGuest := max(before.guestMemory, float64(b.c.guestMemory))
	var now usage
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		now = b.usage()
		if now.heap <= before.heap+maxHeapGrowth && now.guestMemory <= maxGuest && now.goroutines <= before.goroutines {
			break
		}
		if time.Now().After(deadline) {
			b.Errorf("usage is %+v after the case and was %+v before it; want at most %d more heap, %v guest memory,"+
				" and no more goroutines", now, before, maxHeapGrowth, maxGuest)
			break
		}
	}
	b.measured("heap %+d KiB, guest memory %.0f KiB, goroutines %+d",
		(int64(now.heap)-int64(before.heap))>>10, now.guestMemory/1024, now.goroutines-before.goroutines)
}

// allocated returns what the process has allocated since its start, in bytes.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
