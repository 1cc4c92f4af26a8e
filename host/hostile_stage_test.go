package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
)

// stage is a host with a quiet room on one route, and a hostile plugin on
// another.
type stage struct {
	*testing.T
	c     *hostileCase
	h     *host.Host
	url   string
	log   *lineCount
	quiet host.Options // without the hostile route
	both  host.Options
	room  *quietRoom

	attacker *wstest.Conn
	witness  *wstest.Conn // of the same route; it does nothing bad
	failed   int          // hooks that had to fail

	// What the quiet room alone allocates, in bytes a nanosecond: much with the race
	// detector, which has pools forget what they are given.
	quietAllocs float64
}

const hostilePath = "/hostile"

func newStage(t *testing.T, c *hostileCase) *stage {
	t.Helper()
	s := &stage{T: t, c: c, log: &lineCount{}}
	s.quiet = host.Options{Log: slog.New(s.log), PingInterval: -1, Routes: []host.Route{
		{Path: "/quiet/:room", Plugin: "../testplugins/rooms.wasm", Limits: host.Limits{Deadline: patient}},
	}}
	s.both = s.quiet
	s.both.Routes = append([]host.Route{{
		Path: hostilePath, Plugin: hostileFile(t, c), Instances: c.instances, Metering: c.metering,
		Limits: manyFaults(c.limits),
	}}, s.quiet.Routes...)
	s.h, s.url = serve(t, s.quiet)
	s.room = newQuietRoom(t, s.url)
	return s
}

// manyFaults has limits with which no plugin is taken out of service for its
// faults, as the cases are about each of them.
func manyFaults(l host.Limits) host.Limits {
	l.Faults, l.FaultWindow = 10_000, time.Second
	return l
}

// hostOptions are those of one plugin at /c, without limits that a slow
// machine could meet.
func hostOptions(file string) host.Options {
	return host.Options{Routes: []host.Route{{Path: "/c", Plugin: file, Limits: host.Limits{Deadline: patient}}}}
}

// join connects the attacker and the witness.
func (s *stage) join() {
	s.Helper()
	s.attacker, s.witness = s.dial(hostilePath), s.dial(hostilePath)
	if !s.c.silent {
		s.say(s.attacker, "hello", "hello")
		s.say(s.witness, "hello", "hello")
	}
}

func (s *stage) dial(path string) *wstest.Conn {
	s.Helper()
	c := wstest.Dial(s, s.url, path)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// say sends a message and wants the answers, and nothing before them.
func (s *stage) say(c *wstest.Conn, text string, answers ...string) {
	s.Helper()
	if err := c.WriteText(text); err != nil {
		s.Fatalf("send %q: %v", text, err)
	}
	for _, want := range answers {
		if p, err := c.ReadFrame(); err != nil || string(p) != want {
			s.Fatalf("%q was answered with %q, %v; want %q", text, p, err, want)
		}
	}
}

// refused connects in vain and gives the status.
func (s *stage) refused(path string) int {
	s.Helper()
	return wstest.DialStatus(s, s.url, path)
}

// series gives the series of the hostile route with a name: values by the
// label that is asked for.
func (s *stage) series(name, label string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(metricsOf(s, s.h)) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, `route="`+hostilePath+`"`) {
			continue
		}
		labels, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		_, v, _ := strings.Cut(labels, label+`="`)
		v, _, _ = strings.Cut(v, `"`)
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			s.Fatal(line)
		}
		out[v] += n
	}
	return out
}

// failures are the hooks that failed, by reason; "error" counts those that
// returned an error and kept their instance.
func (s *stage) failures() map[string]int {
	out := map[string]int{}
	for reason, n := range s.series("azuhost_plugin_faults_total", "reason") {
		out[reason] = int(n)
	}
	for _, n := range s.series("azuhost_plugin_hook_errors_total", "hook") {
		out["error"] += int(n)
	}
	return out
}

// wantFailures wants as many failures as there were attacks, all of a reason
// that the case has.
func (s *stage) wantFailures() {
	s.Helper()
	count := func() (good, bad int) {
		for reason, n := range s.failures() {
			if strings.Contains(" "+s.c.reasons+" ", " "+reason+" ") {
				good += n
			} else {
				bad += n
			}
		}
		return good, bad
	}
	eventually(s, "the faults are counted", func() bool { good, bad := count(); return good+bad >= s.failed })
	if good, bad := count(); good != s.failed || bad != 0 {
		s.Errorf("%d hooks had to fail with one of [%s]; counted: %v", s.failed, s.c.reasons, s.failures())
	}
}

// wantNothing wants that no effect of a failed hook is seen: what it sent
// would come before the answer.
func (s *stage) wantNothing() {
	s.Helper()
	if !s.c.silent {
		s.say(s.witness, "still here", "still here")
		s.say(s.attacker, "me too", "me too")
	}
	for _, name := range []string{"azuhost_rooms", "azuhost_store_bytes", "azuhost_timers"} {
		if n := s.series(name, "route")[hostilePath]; n != 0 {
			s.Errorf("%s is %v after hooks that failed", name, n)
		}
	}
	if strings.Contains(metricsOf(s, s.h), "azuhost_app_") {
		s.Error("a metric of a failed hook was counted")
	}
}

// usage is what a process uses while nothing happens.
type usage struct {
	heap       uint64
	memory     float64 // linear memory of the hostile plugin
	goroutines int
}

func (s *stage) usage() usage {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{m.HeapAlloc, s.series("azuhost_plugin_memory_bytes", "route")[hostilePath], runtime.NumGoroutine()}
}

// heapBound is what the heap of a host may have more after a case than before
// it, garbage collected: compiled code of the plugin's version, pools of
// buffers, the samples of the quiet room.
const heapBound = 16 << 20

// wantUsage waits until the process uses no more than before, but for
// heapBound, and for as much guest memory as the case says.
func (s *stage) wantUsage(before usage) {
	s.Helper()
	bound := max(before.memory, float64(s.c.memory))
	var now usage
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		now = s.usage()
		if now.heap <= before.heap+heapBound && now.memory <= bound && now.goroutines <= before.goroutines {
			break
		}
		if time.Now().After(deadline) {
			s.Errorf("after the case the process uses %+v; before it %+v; the bound is %d more heap, %v guest memory, and no goroutine more", now, before, heapBound, bound)
			break
		}
	}
	s.measured("heap %+d KiB, guest memory %.0f KiB, goroutines %+d", (int64(now.heap)-int64(before.heap))>>10, now.memory/1024, now.goroutines-before.goroutines)
}

const measured = "measured: "

// measured notes a figure, which the parent process shows.
func (s *stage) measured(format string, a ...any) {
	s.Helper()
	s.Log(measured + fmt.Sprintf(format, a...))
}

// lineCount is a log that counts, and looks for what a guest should not be
// able to write.
type lineCount struct{ lines, unclean atomic.Int64 }

// Enabled implements slog.Handler.
func (*lineCount) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *lineCount) Handle(_ context.Context, r slog.Record) error {
	l.lines.Add(1)
	r.Attrs(func(a slog.Attr) bool {
		if len(a.Value.String()) > 9<<10 { // a fault has 8 KiB, and its reason
			l.unclean.Add(1)
		}
		return true
	})
	if len(r.Message) > 8<<10 || strings.ContainsFunc(r.Message, func(c rune) bool { return unicode.IsControl(c) && c != '\t' }) {
		l.unclean.Add(1)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *lineCount) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *lineCount) WithGroup(string) slog.Handler { return l }
