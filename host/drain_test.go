package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/race"
	"github.com/coder/websocket"
)

// drained is what one client saw of a drain.
type drained struct {
	acked     int           // answers, in order and without a gap
	at        time.Duration // of the close, since the drain began
	reconnect time.Duration // as it was told
	err       error
}

// sender is a client that numbers its messages and counts the answers until it
// is closed.
type sender struct {
	conn *websocket.Conn
	v1   bool
	hot  bool // sends without a pause, and does not wait for answers
	gone chan struct{}
}

func (s *sender) send(ctx context.Context) {
	pause := time.NewTicker(time.Second/2 + rand.N(time.Second/2)) // not all in step
	defer pause.Stop()
	for i := 1; ; i++ {
		if s.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "counter_add hits;send %d", i)) != nil {
			return
		}
		if s.hot && i%100 != 0 {
			continue
		}
		select {
		case <-pause.C:
		case <-s.gone:
			return
		}
	}
}

// run sends until it is told to go.
func (s *sender) run(ctx context.Context, start func() time.Time) (d drained) {
	var writing sync.WaitGroup
	writing.Go(func() { s.send(ctx) })
	defer writing.Wait()
	defer close(s.gone)
	for {
		_, b, err := s.conn.Read(ctx)
		if err != nil {
			d.at = time.Since(start())
			d.reconnect, d.err = s.told(err)
			return d
		}
		if s.v1 && b[0] == 0x1e {
			continue // a control message
		}
		if string(b) != strconv.Itoa(d.acked+1) {
			d.err = fmt.Errorf("answer %q behind %d", b, d.acked)
			return d
		}
		d.acked++
	}
}

// told reads from a close when to come back.
func (s *sender) told(err error) (time.Duration, error) {
	var ce websocket.CloseError
	if !errors.As(err, &ce) {
		return 0, err
	}
	ms := -1
	if s.v1 {
		var told struct {
			After *int `json:"reconnect_after_ms"`
		}
		if e := json.Unmarshal([]byte(ce.Reason), &told); e == nil && told.After != nil && ce.Code == 3001 {
			ms = *told.After
		}
	} else if text, ok := strings.CutPrefix(ce.Reason, "reconnect in "); ok && ce.Code == 1012 {
		if n, e := strconv.Atoi(strings.TrimSuffix(text, " ms")); e == nil {
			ms = n
		}
	}
	if ms < 0 {
		return 0, fmt.Errorf("closed with %d %q", ce.Code, ce.Reason)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// connectSenders connects n clients; every second one speaks azuhost.v1.
func connectSenders(t *testing.T, url string, n int) []*sender {
	t.Helper()
	all := make([]*sender, n)
	var wait sync.WaitGroup
	slots := make(chan struct{}, 64)
	for i := range all {
		s := &sender{v1: i%2 == 1, hot: i%250 < 2, gone: make(chan struct{})}
		all[i] = s
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			o := &websocket.DialOptions{}
			if s.v1 {
				o.Subprotocols = []string{host.Protocol}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var err error
			if s.conn, _, err = websocket.Dial(ctx, url, o); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	t.Cleanup(func() {
		for _, s := range all {
			if s.conn != nil {
				_ = s.conn.CloseNow()
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// TestDrain sends thousands of clients away who never stop sending: every
// on_close runs, what the plugin has handled is answered before the close, and
// both the closes and the times of return are spread as configured.
func TestDrain(t *testing.T) {
	n, spread := 5000, 4*time.Second
	if race.Enabled {
		n, spread = 500, 2*time.Second
	}
	if have := openFiles(t); have < 2*n+200 {
		t.Skipf("%d open files are allowed, and %d connections need twice as many", have, n)
	}
	const window = 6 * time.Second
	r := host.Route{Path: "/c", Plugin: scriptGuest}
	h, url := serve(t, host.Options{Routes: []host.Route{r}, Drain: host.DrainOptions{Spread: spread, Reconnect: window}})
	// on_close counts as messages do.
	senders := connectSenders(t, url+"/c?do="+escape("value_set bye|counter_add hits"), n)

	var begun time.Time
	start := func() time.Time { return begun }
	begin := make(chan struct{})
	results := make([]drained, n)
	var running sync.WaitGroup
	for i, s := range senders {
		running.Go(func() {
			<-begin
			results[i] = s.run(context.Background(), start)
		})
	}
	lag := probeLag()
	begun = time.Now()
	close(begin)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.Drain(ctx) }()
	wantDraining(t, h, url+"/c")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	took := time.Since(begun)
	// Before Close: it takes the series away. Drain has waited for every on_close.
	handled := metric(t, h, `azuhost_app_hits_total{route="/c"}`)
	for code, want := range map[string]int{"1012": n - n/2, "3001": n / 2} {
		wantMetric(t, h, fmt.Sprintf(`azuhost_connections_closed_total{code=%q,route="/c"}`, code), float64(want))
	}
	running.Wait()
	late := lag()

	acked := 0
	var at, reconnect, back []time.Duration
	for i, d := range results {
		if d.err != nil {
			t.Fatalf("client %d: %v", i, d.err)
		}
		acked += d.acked
		at, reconnect, back = append(at, d.at), append(reconnect, d.reconnect), append(back, d.at+d.reconnect)
	}
	if int(handled) != acked+n {
		t.Errorf("the plugin handled %v messages and closes, the clients got %d answers and %d closes", handled, acked, n)
	}
	if took < spread*9/10 || acked < n {
		t.Errorf("drained in %v with %d messages", took, acked)
	}
	// None is closed before its span, whatever the machine does. A busy one closes
	// late, and its clients see it later still: as much as timers were late is allowed.
	slices.Sort(at)
	for i := 2; i < n; i++ {
		if least := time.Duration(i-1) * (spread / time.Duration(n-1)); at[i] < least {
			t.Fatalf("%d connections were closed after %v, and the last of them was due after %v", i+1, at[i], least)
		}
	}
	dClose, dReturn := offUniform(at, spread), offUniform(reconnect, window)
	if most := 0.15 + 4*late.Seconds()/spread.Seconds(); dClose > most {
		t.Errorf("closes are off an even spread over %v by %.3f, more than %.3f: deciles %v", spread, dClose, most, deciles(at))
	}
	// More is chance in one of a million runs (Kolmogorov–Smirnov).
	if most := 2.7 / math.Sqrt(float64(n)); dReturn > most {
		t.Errorf("times of return are off an even spread over %v by %.3f, more than %.3f: deciles %v", window, dReturn, most, deciles(reconnect))
	}
	t.Logf("%d clients, %d messages, in %v; closes off by %.3f, returns by %.3f, busiest 100 ms: %d come back; timers %v late",
		n, acked, took, dClose, dReturn, busiest(back), late)
	// However the closes lie, no moment has more than an even spread over the window,
	// and chance.
	even := float64(n) * 0.1 / window.Seconds()
	if most := even + 6*math.Sqrt(even) + 1; float64(busiest(back)) > most {
		t.Errorf("%d clients come back within 100 ms: %.0f would be even, %.0f chance", busiest(back), even, most)
	}
}

// wantDraining: whoever asks learns that nobody should come.
func wantDraining(t *testing.T, h *host.Host, url string) {
	t.Helper()
	wantMetric(t, h, "azuhost_draining", 1)
	res := refused(t, url)
	wantStatus(t, res, 503)
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || s < 1 || s > 7 {
		t.Errorf("Retry-After: %q", res.Header.Get("Retry-After"))
	}
	if status, body := internal(t, h, "/readyz"); status != 503 || body != "draining\n" {
		t.Errorf("/readyz: %d %s", status, body)
	}
}

// probeLag measures how late timers come at most, until the function that it
// returns is called.
func probeLag() (stop func() time.Duration) {
	done, most := make(chan struct{}), make(chan time.Duration)
	go func() {
		const every = 10 * time.Millisecond
		var late time.Duration
		for {
			from := time.Now()
			select {
			case <-time.After(every):
				late = max(late, time.Since(from)-every)
			case <-done:
				most <- late
				return
			}
		}
	}()
	return func() time.Duration {
		close(done)
		return <-most
	}
}

// offUniform is the greatest distance between the distribution of d and an even
// one over [0, over), as Kolmogorov and Smirnov have it.
func offUniform(d []time.Duration, over time.Duration) (most float64) {
	d = slices.Sorted(slices.Values(d))
	n := float64(len(d))
	for i, v := range d {
		f := min(float64(v)/float64(over), 1)
		most = max(most, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	return most
}

func deciles(d []time.Duration) (out []time.Duration) {
	d = slices.Sorted(slices.Values(d))
	for i := range 11 {
		out = append(out, d[i*(len(d)-1)/10].Round(time.Millisecond))
	}
	return out
}

// busiest counts the most that fall within one 100 ms.
func busiest(d []time.Duration) (most int) {
	d = slices.Sorted(slices.Values(d))
	from := 0
	for i, v := range d {
		for v-d[from] > 100*time.Millisecond {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// TestDrainGivesUp: a client that does not answer the close holds up Drain until
// its context is done; Close then cuts it, and on_close runs all the same.
func TestDrainGivesUp(t *testing.T) {
	f, events := recordCloses()
	h, url := serveQuiet(t, host.Options{CloseTimeout: time.Hour, Routes: []host.Route{{Path: "/c", Channel: f}}})
	c := dialDo(t, url+"/c", "send in")
	want(t, c, "in")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Drain(ctx) }()
	// on_close runs at the close's answer or end: the client answers when it reads.
	wantMetric(t, h, "azuhost_draining", 1)
	cancel()
	if err := receive(t, ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 connections are left") {
		t.Errorf("Drain: %v", err)
	}
	if len(events) != 0 {
		t.Error("on_close before the end")
	}
	if err := h.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if e := receive(t, events); e.code != 1012 {
		t.Errorf("on_close with %d %q", e.code, e.reason)
	}
}

// TestCloseEndsDrain: Close need not wait for a drain that has time.
func TestCloseEndsDrain(t *testing.T) {
	f, events := recordCloses()
	h, url := serveQuiet(t, host.Options{Drain: host.DrainOptions{Spread: time.Hour}, Routes: []host.Route{{Path: "/c", Channel: f}}})
	var conns []*websocket.Conn
	for range 3 {
		c := dialDo(t, url+"/c", "send in")
		want(t, c, "in")
		conns = append(conns, c)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Drain(t.Context()) }()
	wantMetric(t, h, "azuhost_draining", 1)
	reading := make(chan error, len(conns))
	for _, c := range conns {
		go func() {
			_, _, err := c.Read(context.Background())
			reading <- err
		}()
	}
	stop(t, h)
	if err := receive(t, ended); err != nil {
		t.Error(err)
	}
	for range conns {
		if err := receive(t, reading); websocket.CloseStatus(err) != 1012 {
			t.Error(err)
		}
	}
	if len(events) != len(conns) {
		t.Errorf("%d on_close", len(events))
	}
}
