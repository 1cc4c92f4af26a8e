package host_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/internal/race"
)

// TestHostile has a plugin do its worst on one route while a quiet room on
// another plugin goes on talking. Each case runs in a process of its own, so
// that one that stops the process, or ends it, fails and nothing else. In it
// are true:
//
//   - The process lives, and the quiet room loses nothing and stays in order.
//   - The p99 of the quiet room's round trips is at most twice what it was in a
//     window just before, or quietFloor, which is what a machine with two busy
//     cores can do to any process; without strict, patientFloor. See quietRoom
//     and stage.compare.
//   - The attacker gets INTERNAL_ERROR, or a refusal, and is served after it.
//   - Nothing that a failed hook asked for happens.
//   - The fault is counted with its reason; the log has few lines, all clean.
//   - Heap, guest memory and goroutines go back: see wantUsage. The process
//     never had more than processBound.
//   - A module that is refused is refused at once, with a text that says
//     which limit, what was found, and which key of the configuration it is.
func TestHostile(t *testing.T) {
	for i := range hostileCases {
		c := &hostileCases[i]
		t.Run(c.name, func(t *testing.T) {
			if os.Getenv(hostileChild) == c.name {
				c.run(t)
				return
			}
			c.inProcess(t)
		})
	}
}

// hostileChild is the variable that tells a child which case it is for.
const hostileChild = "AZUHOST_TEST_HOSTILE"

const (
	quietWindow  = 500 * time.Millisecond // at least; for both windows
	quietFloor   = 20 * time.Millisecond
	childTimeout = 40 * time.Second
	processBound = 512 << 20             // resident memory of the process at its highest
	loadBound    = 64 << 20              // what a load that fails may allocate in all
	logBound     = 1_000                 // lines of log in a case
	loadPause    = 50 * time.Millisecond // between loads: a file is not replaced more often than it can settle
)

// inProcess runs the case in a process of its own.
func (c *hostileCase) inProcess(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), childTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-test.run=^TestHostile$/^"+c.name+"$", "-test.v", "-test.timeout="+(childTimeout-5*time.Second).String())
	cmd.Env = append(os.Environ(), hostileChild+"="+c.name)
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	for line := range strings.Lines(out.String()) {
		if _, m, ok := strings.Cut(line, measured); ok {
			t.Log(strings.TrimSpace(m))
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("the process stood still and was killed after %s", childTimeout)
	}
	if err != nil {
		text := out.String()
		t.Fatalf("the process failed: %v\n%s", err, text[:min(len(text), 8<<10)])
	}
	if !strings.Contains(out.String(), "--- PASS: TestHostile/"+c.name+" ") {
		t.Fatalf("the process did not run the case:\n%s", out.String())
	}
	if peak := peakMemory(cmd.ProcessState); peak > 0 {
		t.Logf("resident memory at its highest %d MiB", peak>>20)
		if peak > processBound && !race.Enabled { // the race detector has a memory of its own
			t.Errorf("the process had %d MiB, more than %d", peak>>20, processBound>>20)
		}
	}
}

// run is a case, in its process.
func (c *hostileCase) run(t *testing.T) {
	s := newStage(t, c)
	if c.refused == nil {
		if err := s.h.Reload(testContext(t), s.both); err != nil {
			t.Fatalf("the plugin does not load: %v", err)
		}
		s.join()
	}
	before := s.usage()
	s.compare()
	if c.refused == nil && !c.lives {
		s.wantFailures()
		s.wantNothing()
	}
	s.wantUsage(before)
	if n, unclean := s.log.lines.Load(), s.log.unclean.Load(); n > logBound || unclean > 0 {
		t.Errorf("the log has %d lines, and %d of them are too long or have control characters; want at most %d, and none", n, unclean, logBound)
	}
	s.room.end(t)
}

// patientFloor is what the quiet room may take where other work shares the
// machine, as it does while all packages are tested: nothing stood still.
const patientFloor = time.Second

// strict says whether times are held to their bounds: for a machine that does
// nothing else, see the target hostile of the Makefile.
func strict() bool { return os.Getenv("AZUHOST_STRICT") != "" && !race.Enabled }

// compare measures the quiet room in a quiet window, and then under attack.
// Other processes of the machine may disturb either window: what was too slow is
// measured again, twice at most. An attack that slows the room does it every time.
func (s *stage) compare() {
	s.Helper()
	for try := 1; ; try++ {
		quiet := s.room.during(s, func() {
			before := allocated()
			time.Sleep(quietWindow)
			s.quietAllocs = float64(allocated()-before) / float64(quietWindow)
		})
		attacked := s.room.during(s, func() { s.assault(time.Now().Add(quietWindow)) })
		s.measured("quiet p99 %s, max %s (%d); attacked p99 %s, max %s (%d)", quiet.p99, quiet.max, quiet.n, attacked.p99, attacked.max, attacked.n)
		limit := max(2*quiet.p99, quietFloor)
		if !strict() {
			limit = max(limit, patientFloor)
		}
		if attacked.p99 <= limit {
			return
		}
		if try == 3 {
			s.Errorf("the quiet room had a p99 of %s, and %s under attack: more than %s", quiet.p99, attacked.p99, limit)
			return
		}
	}
}

// assault does what the case is about until the time is over, and at least once.
func (s *stage) assault(until time.Time) {
	s.Helper()
	switch {
	case s.c.refused != nil:
		s.loads(until)
	case s.c.attack != nil:
		s.c.attack(s, until)
	default:
		s.attacks(until)
	}
}

// attacks sends what the case has, each at least once, until the time is over.
func (s *stage) attacks(until time.Time) {
	s.Helper()
	for n := 0; n < len(s.c.messages) || time.Now().Before(until); n++ {
		s.say(s.attacker, s.c.messages[n%len(s.c.messages)], internalError)
		s.failed++
		s.say(s.attacker, "hello", "hello")
	}
}

// loads tries to load the plugin until the time is over.
func (s *stage) loads(until time.Time) {
	s.Helper()
	within := s.c.within
	if within == 0 {
		within = 2 * time.Second
	}
	var slowest time.Duration
	var most float64
	var err error
	for first := true; first || time.Now().Before(until); first = false {
		if !first {
			time.Sleep(loadPause)
		}
		before, start := allocated(), time.Now()
		if err = s.h.Reload(context.Background(), s.both); err == nil {
			s.Fatal("the plugin was loaded")
		}
		took := time.Since(start)
		slowest = max(slowest, took)
		most = max(most, float64(allocated()-before)-s.quietAllocs*float64(took))
	}
	s.measured("refused in %s, having allocated %.0f KiB: %v", slowest, most/1024, err)
	if !strict() {
		within *= 5
	}
	if slowest > within {
		s.Errorf("refused after %s: want %s at most", slowest, within)
	}
	if most > loadBound {
		s.Errorf("a load allocated %.1f MiB: want %d at most", most/(1<<20), loadBound>>20)
	}
	if !s.c.refuses(err) {
		s.Errorf("the refusal does not say all of %q:\n%v", s.c.refused, err)
	}
	if routes := s.h.Routes(); len(routes) != 1 {
		s.Errorf("routes after the refusal: %+v", routes)
	}
}

// allocated is what the process has allocated so far, in bytes.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// refuses says whether an error has all the texts that it should; a text may
// have alternatives between bars.
func (c *hostileCase) refuses(err error) bool {
	text := err.Error()
	for _, alternatives := range c.refused {
		found := false
		for _, want := range strings.Split(alternatives, "|") {
			found = found || strings.Contains(text, want)
		}
		if !found {
			return false
		}
	}
	return strings.Contains(text, hostilePath)
}

// peakMemory is the resident memory of a process at its highest, in bytes; 0
// where the system does not say.
func peakMemory(p *os.ProcessState) int64 { return maxResident(p.SysUsage()) }

// attackConnect connects in vain.
func attackConnect(s *stage, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		if status := s.refused(hostilePath + "?attack"); status != http.StatusInternalServerError && status != http.StatusServiceUnavailable {
			s.Fatalf("a connection was answered with %d", status)
		}
		s.failed++
	}
}

// attackClose connects, and has the plugin fail when the connection goes.
func attackClose(s *stage, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		c := s.dial(hostilePath)
		s.say(c, "hello", "hello")
		if _, err := c.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8}); err != nil { // a close with 1000
			s.Fatal(err)
		}
		if p, err := c.ReadFrame(); err != nil || !bytes.Equal(p, []byte{3, 0xe8}) {
			s.Fatalf("a close was answered with %q, %v", p, err)
		}
		_ = c.Close()
		s.failed++
	}
}

// attackEveryOther has every second message fail. What a failed hook sent would
// come before the next answer.
func attackEveryOther(s *stage, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		s.say(s.witness, "x", "x")
		s.say(s.attacker, "x", internalError)
		s.failed++
	}
}

// attackStarts starts what goes on by itself.
func attackStarts(s *stage, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		s.say(s.attacker, "!", "!")
	}
}

// attackMillion sends a million messages, in bursts: the case is about the
// plugin, and not about a client that floods its socket.
func attackMillion(s *stage, _ time.Time) {
	const batch = 1_000
	rounds := 1_000
	if race.Enabled || testing.Short() {
		rounds = 50
	}
	frame := []byte{0x81, 0x81, 0, 0, 0, 0, 'x'}
	last := 0
	for range rounds {
		time.Sleep(time.Millisecond)
		if _, err := s.attacker.Write(bytes.Repeat(frame, batch)); err != nil {
			s.Fatal(err)
		}
		if err := s.attacker.WriteText("?"); err != nil {
			s.Fatal(err)
		}
		p, err := s.attacker.ReadFrame()
		if err != nil || len(p) != 2 {
			s.Fatal(p, errors.Join(err, errors.New("want the number of pages")))
		}
		pages := int(p[0]) | int(p[1])<<8
		if pages < last || pages > 64<<20>>16 {
			s.Fatalf("the guest has %d pages, and had %d", pages, last)
		}
		last = pages
	}
	s.measured("%d messages, and the guest has %d pages", rounds*(batch+1), last)
}

// attackFlood has clients send more messages than they may, as fast as they can.
func attackFlood(s *stage, until time.Time) {
	broken := func() float64 { return metric(s, s.h, `azuhost_violations_total{rule="messages"}`) }
	before, n := broken(), 0.0
	flood := bytes.Repeat([]byte{0x81, 0x81, 0, 0, 0, 0, 'x'}, 200_000)
	for first := true; first || time.Now().Before(until); first = false {
		c := s.dial(hostilePath)
		_, _ = c.Write(flood) // what comes after the close is not taken
		if p, err := c.ReadFrame(); err != nil || !bytes.Equal(p[:2], []byte{0x03, 0xf0}) {
			s.Fatalf("a flood was answered with %q, %v, want a close with 1008", p, err)
		}
		_ = c.Close()
		n++
	}
	if got := broken() - before; got != n {
		s.Errorf("%v of %v floods are counted", got, n)
	}
}

// attackTogether has as many connections attack at once as there are cores, and one more.
func attackTogether(s *stage, until time.Time) {
	var wait sync.WaitGroup
	n := runtime.GOMAXPROCS(0) + 1
	counts := make([]int, n)
	for i := range n {
		c := s.dial(hostilePath)
		defer c.Close()
		wait.Go(func() {
			for first := true; first || time.Now().Before(until); first = false {
				if err := c.WriteText(s.c.messages[0]); err != nil {
					s.Error(err)
					return
				}
				if p, err := c.ReadFrame(); err != nil || string(p) != internalError {
					s.Errorf("an attack was answered with %q, %v", p, err)
					return
				}
				counts[i]++
			}
		})
	}
	wait.Wait()
	for _, n := range counts {
		s.failed += n
	}
}

// attackBlind attacks with a plugin that answers nothing by itself.
func attackBlind(s *stage, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		s.say(s.attacker, "!", internalError)
		s.failed++
	}
}
