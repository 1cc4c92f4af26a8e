package host_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/race"
	"github.com/azuhost/azuhost/internal/wstest"
)

// TestSwapUnderLoad reloads a plugin every 200 ms for 10 s while 100 connections send 10,000 numbered messages a
// second, with and without every third version broken. It checks that each answer is the next one: no gap, no
// duplicate, no inversion, no disconnect. The store counts the hooks that took effect. With the race detector, or
// -short, there are fewer messages and less time.
func TestSwapUnderLoad(t *testing.T) {
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		t.Run(string(mode), func(t *testing.T) { swapUnderLoad(t, mode, false) })
		t.Run(string(mode)+"/broken", func(t *testing.T) { swapUnderLoad(t, mode, true) })
	}
}

// swapLoad is the load of TestSwapUnderLoad.
type swapLoad struct {
	sockets, rate int           // rate: messages a second of all sockets
	time, every   time.Duration // every: the time between two reloads
}

// newSwapLoad returns the load for this machine.
func newSwapLoad() swapLoad {
	l := swapLoad{sockets: 100, rate: 10_000, time: 10 * time.Second, every: 200 * time.Millisecond}
	if race.Enabled || testing.Short() {
		l.rate, l.time = 1_000, 3*time.Second
	}
	return l
}

// swapUnderLoad runs TestSwapUnderLoad with a mode of instances. broken makes every third version a broken one.
func swapUnderLoad(t *testing.T, mode host.Instances, broken bool) {
	load := newSwapLoad()
	file := filepath.Join(t.TempDir(), "p.wasm")
	write(t, file, version(t, 1))
	o := host.Options{Log: slog.New(slog.DiscardHandler), Routes: []host.Route{{
		Path: "/c", Plugin: file, Instances: mode, Limits: host.Limits{Deadline: hookDeadline},
	}}}
	h, url := serve(t, o)
	swap := &swapClients{load: load, begun: time.Now()}
	for i := range load.sockets {
		c := wstest.Dial(t, url, "/c")
		_ = c.SetDeadline(time.Now().Add(load.time + 20*time.Second))
		swap.wait.Go(func() { swap.send(c, i) })
		swap.wait.Go(func() { swap.receive(c) })
	}
	loaded, refused := reloadEvery(t, h, o, file, load, broken)
	swap.wait.Wait()
	took := time.Since(swap.begun)
	sent, back := swap.sent.Load(), swap.back.Load()
	t.Logf("%d messages in %s (%.0f a second), %d versions loaded, %d refused",
		sent, took.Round(time.Millisecond), float64(sent)/took.Seconds(), loaded, refused)
	gaps, duplicates := swap.gaps.Load(), swap.duplicates.Load()
	inversions, disconnects := swap.inversions.Load(), swap.disconnects.Load()
	if gaps+duplicates+inversions+disconnects > 0 || sent != back {
		t.Errorf("%d gaps, %d duplicates, %d inversions, %d disconnects; %d messages sent, %d answered",
			gaps, duplicates, inversions, disconnects, sent, back)
	}
	for _, text := range swap.invalid {
		t.Error(text)
	}
	if took > load.time*5/4 && !race.Enabled { // CI runs other packages at the same time with the race detector
		t.Errorf("the messages took %s, want %s: the machine or the host is too slow", took, load.time)
	}
	c := dial(t, url+"/c")
	do(t, c, "store_get total", fmt.Sprint(sent))
	wantMetric(t, h, `azuhost_connections_accepted_total{route="/c"}`, float64(load.sockets+1))
	wantMetric(t, h, `azuhost_plugin_loads_total{plugin="p",result="loaded",route="/c"}`, float64(loaded+1))
	if refused > 0 {
		wantMetric(t, h, failedLoads, float64(refused))
	}
}

// reloadEvery replaces the plugin's file and reloads until the time is over. With broken, every third version is
// broken, each in another way. It returns the numbers of versions that were loaded and refused.
func reloadEvery(
	t *testing.T, h *host.Host, o host.Options, file string, load swapLoad, broken bool,
) (loaded, refused int) {
	t.Helper()
	ways := []func(good []byte) []byte{
		func(good []byte) []byte { return good[:len(good)/2] },
		func([]byte) []byte { return []byte("no module") },
		func([]byte) []byte { return nil },
		func(good []byte) []byte { return bytes.Replace(good, []byte("azu_v1"), []byte("azu_v9"), 1) },
		func(good []byte) []byte { return append(bytes.Clone(good), "trailing"...) },
	}
	tick := time.NewTicker(load.every)
	defer tick.Stop()
	want := h.Routes()[0].Version
	for n := 2; n < int(load.time/load.every)+2; n++ {
		<-tick.C
		next, bad := version(t, n%8+1), broken && n%3 == 0
		// Another section makes the content differ from all versions before.
		next = append(next, customSection(fmt.Sprint("n", n))...)
		if bad {
			next = ways[n/3%len(ways)](next)
		}
		replace(t, file, next)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := h.Reload(ctx, o); err != nil {
			t.Errorf("reload: %v", err)
		}
		cancel()
		switch is := h.Routes()[0].Version; {
		case bad && is != want:
			t.Errorf("version %s runs after a broken one, want %s", is, want)
		case !bad && is == want:
			t.Errorf("version %s runs after another one was loaded", is)
		case bad:
			refused++
		default:
			loaded++
			want = is
		}
	}
	return loaded, refused
}

// customSection encodes an empty custom section. name has less than 127 bytes.
func customSection(name string) []byte {
	return append([]byte{0, byte(len(name) + 1), byte(len(name))}, name...)
}

// swapClients are the clients, with counts of what they have observed.
type swapClients struct {
	load  swapLoad
	begun time.Time
	wait  sync.WaitGroup

	sent, back                                atomic.Int64
	gaps, duplicates, inversions, disconnects atomic.Int64

	mu      sync.Mutex
	invalid []string // answers that are not numbers
}

// send sends numbered messages on a schedule, and at the end one with their number.
func (s *swapClients) send(c *wstest.Conn, id int) {
	every := time.Duration(s.load.sockets) * time.Second / time.Duration(s.load.rate)
	due := time.Duration(id) * every / time.Duration(s.load.sockets)
	n := 0
	for ; due < s.load.time; due += every {
		time.Sleep(due - time.Since(s.begun))
		n++
		if err := c.WriteText("store_add total;send " + strconv.Itoa(n)); err != nil {
			s.disconnects.Add(1)
			return
		}
		s.sent.Add(1)
	}
	if err := c.WriteText("send end " + strconv.Itoa(n)); err != nil {
		s.disconnects.Add(1)
	}
}

// receive checks the answers until the last one.
func (s *swapClients) receive(c *wstest.Conn) {
	seen := map[int]bool{}
	last := 0
	for {
		p, err := c.ReadFrame()
		if err != nil {
			s.disconnects.Add(1)
			return
		}
		if all, ok := strings.CutPrefix(string(p), "end "); ok {
			if n, _ := strconv.Atoi(all); n != len(seen) {
				s.gaps.Add(int64(n - len(seen)))
			}
			return
		}
		n, err := strconv.Atoi(string(p))
		switch {
		case err != nil:
			s.note("an answer is %q", p)
			continue
		case seen[n]:
			s.duplicates.Add(1)
		case n < last:
			s.inversions.Add(1)
		}
		s.back.Add(1)
		seen[n] = true
		last = max(last, n)
	}
}

// note records an invalid answer, of which it keeps 10.
func (s *swapClients) note(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.invalid) < 10 {
		s.invalid = append(s.invalid, fmt.Sprintf(format, a...))
	}
}
