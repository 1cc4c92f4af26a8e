//go:build unix

package host_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
	"github.com/azuhost/azuhost/host/internal/redistest"
	"github.com/coder/websocket"
)

// benchRoom is the number of members of the room of BenchmarkPublish.
const benchRoom = 1000

// readersURL is the environment variable that makes a process of this test binary the readers of BenchmarkPublish.
const readersURL = "AZUHOST_BENCH_READERS"

// TestBenchReaders connects the members of BenchmarkPublish, in a process of its own, so that the benchmark does not
// measure their CPU time.
func TestBenchReaders(t *testing.T) {
	url := os.Getenv(readersURL)
	if url == "" {
		t.Skip("only for BenchmarkPublish")
	}
	for range benchRoom {
		c, _, err := websocket.Dial(t.Context(), url, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				if _, _, err := c.Read(t.Context()); err != nil {
					return
				}
			}
		}()
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
}

// startReaders starts the process of the readers and waits until all are connected.
func startReaders(b *testing.B, url string) {
	b.Helper()
	bin, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(bin, "-test.run=^TestBenchReaders$")
	cmd.Env = append(os.Environ(), readersURL+"="+url)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var ready [5]byte
	if _, err := io.ReadFull(out, ready[:]); err != nil || string(ready[:]) != "ready" {
		b.Fatalf("readers: %q %v", ready, err)
	}
}

// BenchmarkPublish measures a message of 128 bytes to a room of 1,000 connections in three ways: broadcast by a plugin,
// published through the HTTP API, and broadcast by a plugin on a node that is joined to others by Redis. The ways
// alternate within one run. It reports the CPU time of the process for a message, which includes that of the client,
// and the ratios to the first way.
func BenchmarkPublish(b *testing.B) {
	r := redistest.Start(b)
	single, joined := startBenchHost(b, ""), startBenchHost(b, r.URL())
	ways := []struct {
		name string
		send func() error
	}{
		{"plugin", single.broadcast},
		{"api", single.publish},
		{"redis", joined.broadcast},
	}
	const batch = 50
	spent := make([]time.Duration, len(ways))
	took := make([]time.Duration, len(ways))
	n := 0
	for b.Loop() {
		for i, w := range ways {
			cpu, start := cpuTime(b), time.Now()
			for range batch {
				if err := w.send(); err != nil {
					b.Fatal(w.name, err)
				}
			}
			spent[i] += cpuTime(b) - cpu
			took[i] += time.Since(start)
		}
		n += batch
	}
	for i, w := range ways {
		b.ReportMetric(float64(spent[i].Microseconds())/float64(n), w.name+"-cpu-µs")
		b.ReportMetric(float64(took[i].Microseconds())/float64(n), w.name+"-µs")
		if i > 0 {
			b.ReportMetric(float64(spent[i])/float64(spent[0]), w.name+"/plugin")
		}
	}
	b.ReportMetric(0, "ns/op") // the time of all ways together has no meaning
}

// cpuTime returns the CPU time of the process.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchHost is a host whose room is full, with the client that sends.
type benchHost struct {
	b    *testing.B
	api  string
	text string
	conn *websocket.Conn // also a member of the room, which receives each message
	body string
}

// startBenchHost starts a host, with a broker if it is not empty, and fills the room.
func startBenchHost(b *testing.B, broker string) *benchHost {
	o := host.Options{Log: slog.New(slog.DiscardHandler), Routes: []host.Route{{Path: "/c", Plugin: scriptGuest}}}
	o.Broker.URL, o.Broker.Required = broker, broker != ""
	h, url := serve(b, o)
	a, err := admin.New(h, admin.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(a.Close)
	internal := httptest.NewServer(a)
	b.Cleanup(internal.Close)
	url += "/c?do=" + escape("join r")
	startReaders(b, url)
	text := strings.Repeat("x", 128)
	x := &benchHost{
		b: b, api: internal.URL + "/api/v1/publish", text: "broadcast r|" + text,
		body: `{"route":"/c","room":"r","text":` + strconv.Quote(text) + `}`,
	}
	x.conn = dial(b, url)
	eventually(b, "the room is full", func() bool {
		r, err := h.Room(b.Context(), "/c", "r")
		return err == nil && r.Sockets == benchRoom+1
	})
	return x
}

// broadcast has the plugin broadcast, and waits until the message is received.
func (x *benchHost) broadcast() error {
	if err := x.conn.Write(context.Background(), websocket.MessageText, []byte(x.text)); err != nil {
		return err
	}
	return x.receive()
}

// receive reads a message.
func (x *benchHost) receive() error {
	_, _, err := x.conn.Read(context.Background())
	return err
}

// publish publishes through the HTTP API, and waits until the message is received.
func (x *benchHost) publish() error {
	res, err := http.Post(x.api, "application/json", strings.NewReader(x.body))
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(res.Body)
	res.Body.Close()
	if want := fmt.Sprintf(`"sockets":%d`, benchRoom+1); err == nil && !strings.Contains(string(answer), want) {
		return fmt.Errorf("the answer is %s", answer)
	}
	if err != nil {
		return err
	}
	return x.receive()
}
