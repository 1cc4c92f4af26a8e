package hostile

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/internal/race"
	"github.com/azuhost/azuhost/internal/wstest"
)

const (
	maxLoadAllocs = 64 << 20 // of a load that fails, in bytes

	// loadPause is the time between loads. Files are not replaced faster than the host can notice.
	loadPause = 50 * time.Millisecond
)

// oneByte is a masked text frame with the message "x".
var oneByte = []byte{0x81, 0x81, 0, 0, 0, 0, 'x'}

// attack runs the case's attack until a time, and at least once.
func (b *testbed) attack(until time.Time) {
	b.Helper()
	switch {
	case b.c.refused != nil:
		attackByLoads(b, until)
	case b.c.attack != nil:
		b.c.attack(b, until)
	default:
		attackByMessages(b, until)
	}
}

// attackByMessages sends the case's messages, each at least once. After each the attacker is served.
func attackByMessages(b *testbed, until time.Time) {
	b.Helper()
	for n := 0; n < len(b.c.messages) || time.Now().Before(until); n++ {
		b.exchange(b.attacker, b.c.messages[n%len(b.c.messages)], internalError)
		b.failed++
		b.exchange(b.attacker, "hello", "hello")
	}
}

// attackByLoads loads the plugin, which the host must refuse each time.
func attackByLoads(b *testbed, until time.Time) {
	b.Helper()
	within := b.c.within
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
		if err = b.host.Reload(context.Background(), b.options); err == nil {
			b.Fatal("the plugin was loaded")
		}
		took := time.Since(start)
		slowest = max(slowest, took)
		most = max(most, float64(allocated()-before)-b.idleAllocs*float64(took))
	}
	b.measured("refused in %s, having allocated %.0f KiB: %v", slowest, most/1024, err)
	if !strict() {
		within *= 5
	}
	if slowest > within {
		b.Errorf("refused after %s: want at most %s", slowest, within)
	}
	if most > maxLoadAllocs {
		b.Errorf("a load allocated %.1f MiB: want at most %d", most/(1<<20), maxLoadAllocs>>20)
	}
	if !b.c.explains(err) {
		b.Errorf("the refusal does not have all of %q:\n%v", b.c.refused, err)
	}
	if routes := b.host.Routes(); len(routes) != 1 {
		b.Errorf("routes after the refusal: %+v", routes)
	}
}

// explains reports whether an error names the route and has the texts of refused.
func (c *testCase) explains(err error) bool {
	text := err.Error()
	for _, alternatives := range c.refused {
		found := false
		for want := range strings.SplitSeq(alternatives, "|") {
			found = found || strings.Contains(text, want)
		}
		if !found {
			return false
		}
	}
	return strings.Contains(text, hostilePath)
}

// attackMute attacks by messages with a plugin that answers nothing by itself.
func attackMute(b *testbed, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		b.exchange(b.attacker, "!", internalError)
		b.failed++
	}
}

// attackEveryOther makes every other message fail.
func attackEveryOther(b *testbed, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		b.exchange(b.peer, "x", "x")
		b.exchange(b.attacker, "x", internalError)
		b.failed++
	}
}

// attackConnect attacks in on_connect.
func attackConnect(b *testbed, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		status := wstest.DialStatus(b, b.url, hostilePath+"?attack")
		if status != http.StatusInternalServerError && status != http.StatusServiceUnavailable {
			b.Fatalf("a connection was answered with %d", status)
		}
		b.failed++
	}
}

// attackClose attacks in on_close.
func attackClose(b *testbed, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		c := dial(b, b.url, hostilePath)
		b.exchange(c, "hello", "hello")
		if _, err := c.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8}); err != nil { // a close with 1000
			b.Fatal(err)
		}
		if p, err := c.ReadFrame(); err != nil || !bytes.Equal(p, []byte{3, 0xe8}) {
			b.Fatalf("a close was answered with %q, %v", p, err)
		}
		_ = c.Close()
		b.failed++
	}
}

// attackInBackground starts something that goes on after the hook.
func attackInBackground(b *testbed, until time.Time) {
	for first := true; first || time.Now().Before(until); first = false {
		b.exchange(b.attacker, "!", "!")
	}
}

// attackTogether attacks from as many connections at once as there are cores, and one more.
func attackTogether(b *testbed, until time.Time) {
	var wait sync.WaitGroup
	failed := make([]int, runtime.GOMAXPROCS(0)+1)
	for i := range failed {
		c := dial(b, b.url, hostilePath)
		defer c.Close()
		wait.Go(func() {
			for first := true; first || time.Now().Before(until); first = false {
				if err := c.WriteText(b.c.messages[0]); err != nil {
					b.Error(err)
					return
				}
				if p, err := c.ReadFrame(); err != nil || string(p) != internalError {
					b.Errorf("an attack was answered with %q, %v", p, err)
					return
				}
				failed[i]++
			}
		})
	}
	wait.Wait()
	for _, n := range failed {
		b.failed += n
	}
}

// attackMillion sends a million messages in bursts to a plugin that grows its memory. The pauses keep it an attack of
// the plugin, and not of a client that floods its socket.
func attackMillion(b *testbed, _ time.Time) {
	const burst = 1_000
	bursts := 1_000
	if race.Enabled || testing.Short() {
		bursts = 50
	}
	last := 0
	for range bursts {
		time.Sleep(time.Millisecond)
		if _, err := b.attacker.Write(bytes.Repeat(oneByte, burst)); err != nil {
			b.Fatal(err)
		}
		if err := b.attacker.WriteText("?"); err != nil {
			b.Fatal(err)
		}
		p, err := b.attacker.ReadFrame()
		if err != nil || len(p) != 2 {
			b.Fatal(p, errors.Join(err, errors.New("want the number of pages")))
		}
		pages := int(p[0]) | int(p[1])<<8
		if pages < last || pages > 64<<20>>16 {
			b.Fatalf("the guest has %d pages, and had %d", pages, last)
		}
		last = pages
	}
	b.measured("%d messages, and the guest has %d pages", bursts*(burst+1), last)
}

// attackFlood connects clients that send more messages than they may, as fast as they can.
func attackFlood(b *testbed, until time.Time) {
	violations := func() float64 { return metric(b, b.host, `azuhost_violations_total{rule="messages"}`) }
	before, n := violations(), 0.0
	flood := bytes.Repeat(oneByte, 200_000)
	for first := true; first || time.Now().Before(until); first = false {
		c := dial(b, b.url, hostilePath)
		_, _ = c.Write(flood) // fails when the host has closed
		if p, err := c.ReadFrame(); err != nil || !bytes.Equal(p[:2], []byte{0x03, 0xf0}) {
			b.Fatalf("a flood was answered with %q, %v, want a close with 1008", p, err)
		}
		_ = c.Close()
		n++
	}
	if got := violations() - before; got != n {
		b.Errorf("%v of %v floods are counted", got, n)
	}
}
