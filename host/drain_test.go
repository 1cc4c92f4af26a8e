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
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/race"
	"github.com/coder/websocket"
)

// drainResult is what one client observed of a drain.
type drainResult struct {
	acked     int           // number of answers, which were in order and without a gap
	at        time.Duration // time of the close, since the drain began
	reconnect time.Duration // delay until the reconnect that the close asks for
	err       error
}

// sender is a client that numbers its messages and counts the answers until it is closed.
type sender struct {
	conn   *websocket.Conn
	v1     bool
	hot    bool          // sends without waiting for answers, with few pauses
	closed chan struct{} // closed when the connection has ended
}

// send sends numbered messages until the connection ends.
func (s *sender) send(ctx context.Context) {
	pause := time.NewTicker(time.Second/2 + rand.N(time.Second/2)) // the senders are out of step
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
		case <-s.closed:
			return
		}
	}
}

// run sends, and reads until the host closes the connection. start returns the time when the drain began.
func (s *sender) run(ctx context.Context, start func() time.Time) (d drainResult) {
	var writing sync.WaitGroup
	writing.Go(func() { s.send(ctx) })
	defer writing.Wait()
	defer close(s.closed)
	for {
		_, b, err := s.conn.Read(ctx)
		if err != nil {
			d.at = time.Since(start())
			d.reconnect, d.err = s.reconnectDelay(err)
			return d
		}
		if s.v1 && b[0] == 0x1e {
			continue // a control message
		}
		if string(b) != strconv.Itoa(d.acked+1) {
			d.err = fmt.Errorf("answer %q after answer %d", b, d.acked)
			return d
		}
		d.acked++
	}
}

// reconnectDelay returns the delay until the reconnect that a close asks for.
func (s *sender) reconnectDelay(err error) (time.Duration, error) {
	var ce websocket.CloseError
	if !errors.As(err, &ce) {
		return 0, err
	}
	ms := -1
	if s.v1 {
		var reason struct {
			After *int `json:"reconnect_after_ms"`
		}
		if e := json.Unmarshal([]byte(ce.Reason), &reason); e == nil && reason.After != nil && ce.Code == 3001 {
			ms = *reason.After
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

// connectSenders connects n clients. Every second one speaks azuhost.v1.
func connectSenders(t *testing.T, url string, n int) []*sender {
	t.Helper()
	all := make([]*sender, n)
	var wait sync.WaitGroup
	slots := make(chan struct{}, 64)
	for i := range all {
		s := &sender{v1: i%2 == 1, hot: i%250 < 2, closed: make(chan struct{})}
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

// TestDrain drains a host while thousands of clients send. It checks that every on_close runs, that every message that
// the plugin has handled is answered before the close, and that the closes and the delays until the reconnects are
// spread as configured.
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
	h, url := serve(t, host.Options{
		Routes: []host.Route{r}, Drain: host.DrainOptions{Spread: spread, Reconnect: window},
	})
	// Messages and on_close count with the same metric.
	senders := connectSenders(t, url+"/c?do="+escape("value_set bye|counter_add hits"), n)

	var begun time.Time
	start := func() time.Time { return begun }
	begin := make(chan struct{})
	results := make([]drainResult, n)
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
	// Close removes the series. Drain has waited for every on_close.
	handled := metric(t, h, `azuhost_app_hits_total{route="/c"}`)
	for code, want := range map[string]int{"1012": n - n/2, "3001": n / 2} {
		series := fmt.Sprintf(`azuhost_connections_closed_total{code=%q,route="/c"}`, code)
		wantMetric(t, h, series, float64(want))
	}
	running.Wait()
	late := lag()

	acked := 0
	var closes, reconnects, back []time.Duration
	for i, d := range results {
		if d.err != nil {
			t.Fatalf("client %d: %v", i, d.err)
		}
		acked += d.acked
		closes, reconnects = append(closes, d.at), append(reconnects, d.reconnect)
		back = append(back, d.at+d.reconnect)
	}
	if int(handled) != acked+n {
		t.Errorf("the plugin handled %v messages and closes; the clients received %d answers and %d closes",
			handled, acked, n)
	}
	if took < spread*9/10 || acked < n {
		t.Errorf("the drain took %v, with %d messages", took, acked)
	}
	t.Logf("%d clients and %d messages in %v; timers up to %v late", n, acked, took, late)
	checkCloseTimes(t, closes, spread, late)
	checkReconnects(t, reconnects, back, window)
}

// checkCloseTimes expects closes that are spread evenly, none of them before its interval. A busy machine closes late,
// and its clients observe that later still, so the tolerance grows with the delay of timers.
func checkCloseTimes(t *testing.T, closes []time.Duration, spread, timersLate time.Duration) {
	t.Helper()
	slices.Sort(closes)
	interval := spread / time.Duration(len(closes)-1)
	for i := 2; i < len(closes); i++ {
		if least := time.Duration(i-1) * interval; closes[i] < least {
			t.Fatalf("%d connections were closed within %v; the last was due after %v", i+1, closes[i], least)
		}
	}
	off, most := offUniform(closes, spread), 0.15+4*timersLate.Seconds()/spread.Seconds()
	t.Logf("the closes differ from an even spread by %.3f", off)
	if off > most {
		t.Errorf("the closes differ from an even spread over %v by %.3f, more than %.3f: deciles %v",
			spread, off, most, deciles(closes))
	}
}

// checkReconnects expects that the delays until the reconnects are uniform over a window. back has the times at which
// the clients reconnect, since the drain began.
func checkReconnects(t *testing.T, delays, back []time.Duration, window time.Duration) {
	t.Helper()
	n := float64(len(delays))
	// One of a million runs with a uniform distribution exceeds this (Kolmogorov–Smirnov test).
	off, most := offUniform(delays, window), 2.7/math.Sqrt(n)
	t.Logf("the delays differ from an even spread by %.3f; %d reconnects within 100 ms", off, busiest(back))
	if off > most {
		t.Errorf("the delays differ from an even spread over %v by %.3f, more than %.3f: deciles %v",
			window, off, most, deciles(delays))
	}
	// Uniform delays make reconnects at most as dense as an even spread over the window, plus chance, however the closes
	// are spread.
	even := n * 0.1 / window.Seconds()
	if most := even + 6*math.Sqrt(even) + 1; float64(busiest(back)) > most {
		t.Errorf("%d clients reconnect within 100 ms; the mean is %.0f, the limit %.0f", busiest(back), even, most)
	}
}

// wantDraining expects that the metric, a handshake and /readyz report the drain.
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

// probeLag measures the greatest delay of timers until the function that it returns is called.
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

// offUniform returns the greatest distance between the distribution of d and a uniform one over [0, over): the
// statistic of the Kolmogorov–Smirnov test.
func offUniform(d []time.Duration, over time.Duration) (most float64) {
	d = slices.Sorted(slices.Values(d))
	n := float64(len(d))
	for i, v := range d {
		f := min(float64(v)/float64(over), 1)
		most = max(most, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	return most
}

// deciles returns the deciles of d, with the minimum and the maximum.
func deciles(d []time.Duration) (out []time.Duration) {
	d = slices.Sorted(slices.Values(d))
	for i := range 11 {
		out = append(out, d[i*(len(d)-1)/10].Round(time.Millisecond))
	}
	return out
}

// busiest returns the greatest number of times within 100 ms.
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

// TestDrainGivesUp checks that a client that does not answer the close holds up Drain until its context is done, and
// that Close then cuts the connection and runs on_close.
func TestDrainGivesUp(t *testing.T) {
	f, events := recordCloses()
	h, url := serveQuiet(t, host.Options{
		CloseTimeout: time.Hour, Routes: []host.Route{{Path: "/c", Channel: f}},
	})
	c := dialDo(t, url+"/c", "send in")
	want(t, c, "in")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Drain(ctx) }()
	// on_close runs when the client answers the close or the connection ends. The client answers when it reads.
	wantMetric(t, h, "azuhost_draining", 1)
	cancel()
	err := receive(t, ended)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 connections are left") {
		t.Errorf("Drain: %v", err)
	}
	if len(events) != 0 {
		t.Error("on_close ran before the connection ended")
	}
	if err := h.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if e := receive(t, events); e.code != 1012 {
		t.Errorf("on_close with %d %q", e.code, e.reason)
	}
}

// TestCloseEndsDrain checks that Close does not wait for the spread of a drain that runs.
func TestCloseEndsDrain(t *testing.T) {
	f, events := recordCloses()
	h, url := serveQuiet(t, host.Options{
		Drain: host.DrainOptions{Spread: time.Hour}, Routes: []host.Route{{Path: "/c", Channel: f}},
	})
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
		t.Errorf("on_close ran %d times", len(events))
	}
}

// TestDrainServesPublications checks that publications reach the connections that a drain has not closed yet, and are
// refused after Close.
func TestDrainServesPublications(t *testing.T) {
	h, url := serveQuiet(t, host.Options{
		Drain: host.DrainOptions{Spread: time.Hour}, Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}},
	})
	conns := []*websocket.Conn{dial(t, url+"/c"), dial(t, url+"/c")} // the first one to be closed is closed at once
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- h.Drain(ctx) }()
	closed := make(chan int, 2)
	got := make(chan string, 2)
	for i, c := range conns {
		go func() {
			_, b, err := c.Read(testContext(t))
			if err != nil {
				closed <- i
				return
			}
			got <- string(b)
		}()
	}
	<-closed
	d, err := h.Publish(t.Context(), host.Publication{Route: "/c", All: true, Data: []byte("still here")})
	if err != nil || d.Sockets == 0 { // the closed one may still count
		t.Fatalf("%+v, %v", d, err)
	}
	if text := <-got; text != "still here" {
		t.Errorf("the open connection got %q", text)
	}
	for _, c := range conns {
		_ = c.CloseNow()
	}
	cancel()
	<-drained
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = h.Publish(t.Context(), host.Publication{Route: "/c", All: true, Data: []byte("too late")})
	if !errors.Is(err, abi.Unavailable) {
		t.Errorf("after Close: %v", err)
	}
}
