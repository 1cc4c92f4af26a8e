package host_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
)

// version gives the script guest with another version in it.
func version(t testing.TB, n int) []byte {
	t.Helper()
	b, err := os.ReadFile(scriptGuest)
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Replace(b, []byte("version-1"), fmt.Appendf(nil, "version-%d", n), 1)
	if n != 1 && bytes.Equal(out, b) {
		t.Fatal("the guest has no version")
	}
	return out
}

// write writes a plugin in place, replace renames a new one over it.
func write(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func replace(t testing.TB, file string, b []byte) {
	t.Helper()
	write(t, file+".new", b)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// half writes a plugin in two pieces, and waits in between until the first
// was found wanting.
func half(t testing.TB, h *host.Host, file string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	failed := max(0, metric(t, h, failedLoads))
	_, _ = f.Write(b[:len(b)/2])
	wantMetric(t, h, failedLoads, failed+1)
	_, _ = f.Write(b[len(b)/2:])
}

const failedLoads = `azuhost_plugin_loads_total{plugin="p",result="failed",route="/c"}`

// TestHotLoad changes a plugin's file in every way while 20 sockets send
// numbered messages: nobody is disconnected, nothing is lost or doubled, and
// state outlives the swap.
func TestHotLoad(t *testing.T) {
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		t.Run(string(mode), func(t *testing.T) { testHotLoad(t, mode) })
	}
}

func testHotLoad(t *testing.T, mode host.Instances) {
	file := filepath.Join(t.TempDir(), "p.wasm")
	write(t, file, version(t, 1))
	log := &logBuffer{}
	h, url := serve(t, host.Options{Watch: true, Log: slog.New(slog.NewTextHandler(log, nil)), Routes: []host.Route{
		{Path: "/c", Plugin: file, Instances: mode, Limits: host.Limits{Deadline: patient, Timers: 10}},
	}})
	c := dialDo(t, url+"/c", "j room;i me;v k|kept;S k|kept;W s timer;z")
	want(t, c, "version-1")

	const sockets = 20
	stopping := make(chan struct{})
	var wait sync.WaitGroup
	for i := range sockets {
		c := wstest.Dial(t, url, "/c")
		wait.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stopping:
					n = -1
				default:
				}
				text := fmt.Sprintf("%d:%d", i, n)
				if err := c.WriteText("A total;z;s " + text); err != nil {
					t.Errorf("socket %d: %v", i, err)
					return
				}
				v, err := c.ReadFrame()
				if err != nil || !strings.HasPrefix(string(v), "version-") {
					t.Errorf("socket %d, message %s: %q %v", i, text, v, err)
					return
				}
				if p, err := c.ReadFrame(); err != nil || string(p) != text {
					t.Errorf("socket %d, message %s: %q %v", i, text, p, err)
					return
				}
				if n == -1 {
					return
				}
			}
		})
	}
	for n, change := range []func(n int){
		2: func(n int) { replace(t, file, version(t, n)) },
		3: func(n int) { write(t, file, version(t, n)) },
		4: func(n int) { half(t, h, file, version(t, n)) },
	} {
		if change != nil {
			change(n)
			eventually(t, "the new version", func() bool {
				send(t, c, "z")
				_, b, err := c.Read(testContext(t))
				return err == nil && string(b) == fmt.Sprintf("version-%d", n)
			})
		}
	}
	close(stopping)
	wait.Wait()
	do(t, c, "g k;G k;u;r;n room", "kept", "kept", "me", "room", "1")
	wantMetric(t, h, `azuhost_timers{route="/c"}`, 1)
	wantMetric(t, h, `azuhost_plugin_loads_total{plugin="p",result="loaded",route="/c"}`, 4)
	wantMetric(t, h, failedLoads, 1)

	// A broken file leaves the old version.
	info := h.Routes()[0].Version
	replace(t, file, []byte("no module"))
	wantMetric(t, h, failedLoads, 2)
	do(t, c, "z", "version-4")
	if v := h.Routes()[0].Version; v != info || v == "" {
		t.Errorf("version %q, was %q", v, info)
	}
	wantMetric(t, h, fmt.Sprintf(`azuhost_plugin_info{plugin="p",route="/c",version=%q}`, info), 1)
	if s := log.String(); !strings.Contains(s, "the old version stays") || !strings.Contains(s, info) {
		t.Errorf("the log says nothing of it:\n%s", s)
	}
	// Back to what runs: nothing to load.
	replace(t, file, version(t, 4))
	replace(t, file, version(t, 5))
	eventually(t, "version 5", func() bool {
		send(t, c, "z")
		_, b, err := c.Read(testContext(t))
		return err == nil && string(b) == "version-5"
	})
}

// TestHotLoadInABusyFolder has another file of the folder change all the time.
func TestHotLoadInABusyFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.wasm")
	write(t, file, version(t, 1))
	_, url := serve(t, host.Options{Watch: true, Routes: []host.Route{{Path: "/c", Plugin: file}}})
	c := dial(t, url+"/c")
	do(t, c, "z", "version-1")
	replace(t, file, version(t, 2))
	n := 0
	eventually(t, "the new version", func() bool {
		n++
		write(t, filepath.Join(dir, "busy.log"), fmt.Append(nil, n))
		send(t, c, "z")
		_, b, err := c.Read(testContext(t))
		return err == nil && string(b) == "version-2"
	})
}

// TestLoadDoesNotHoldTheStore loads a plugin whose on_load writes to the store
// and traps later: neither a load that fails nor a replaced instance keeps the
// store from others.
func TestLoadDoesNotHoldTheStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.wasm")
	write(t, file, version(t, 1))
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		route := host.Route{Path: "/c", Plugin: file, Instances: mode, Config: map[string]any{"do": "A loads"}}
		h, url := serveQuiet(t, host.Options{Routes: []host.Route{route}})
		c := dial(t, url+"/c")
		for range 4 {
			do(t, c, "!", internalError)
			do(t, c, "A n;s ok", "ok")
		}
		do(t, c, "G loads;G n", "1", "4") // on_load of a version takes effect once
		route.Config = map[string]any{"do": "A loads;!"}
		if err := h.Reload(testContext(t), host.Options{Routes: []host.Route{route}}); err == nil {
			t.Error("a plugin that traps in on_load was loaded")
		}
		do(t, c, "G loads;A n;G n", "1", "5")
	}
}

// logBuffer is a log that a test reads while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
