package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
)

// failedLoads is the series of the loads of a trialHost that failed.
const failedLoads = `azuhost_plugin_loads_total{plugin="p",result="failed",route="/c"}`

// writeInTwoParts writes a plugin in two parts. It writes the second part after the first part has failed to load.
func writeInTwoParts(t testing.TB, h *host.Host, file string, b []byte) {
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

// TestHotReload checks that no connection is closed and that no answer is lost, doubled or out of order while a
// plugin's file changes in several ways. 20 connections send numbered messages. State outlives the changes.
func TestHotReload(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.o.Watch, s.o.Routes[0].Limits.Timers = true, 10
		s.start()
		do(t, s.c, "join room;identify me;value_set k|kept;store_set k|kept;timer_set send timer|3600000;version",
			"version-1")

		stop := make(chan struct{})
		var wait sync.WaitGroup
		for i := range 20 {
			c := wstest.Dial(t, s.url, "/c")
			wait.Go(func() {
				if err := exchange(c, i, stop); err != nil {
					t.Errorf("socket %d: %v", i, err)
				}
			})
		}
		replace(t, s.file, version(t, 2))
		s.becomes(2)
		write(t, s.file, version(t, 3))
		s.becomes(3)
		writeInTwoParts(t, s.h, s.file, version(t, 4))
		s.becomes(4)
		close(stop)
		wait.Wait()
		do(t, s.c, "value_get k;store_get k;user;rooms;room_size room", "kept", "kept", "me", "room", "1")
		wantMetric(t, s.h, `azuhost_timers{route="/c"}`, 1)
		s.wantLoads("loaded", 4)
		s.wantLoads("failed", 1)

		// If a file does not load, the current version continues to run.
		runs := s.version()
		replace(t, s.file, []byte("no module"))
		s.wantLoads("failed", 2)
		s.runs(4)
		if v := s.version(); v != runs || v == "" {
			t.Errorf("version %q, was %q", v, runs)
		}
		wantMetric(t, s.h, fmt.Sprintf(`azuhost_plugin_info{plugin="p",route="/c",version=%q}`, runs), 1)
		if text := s.log.String(); !strings.Contains(text, "the old version stays") || !strings.Contains(text, runs) {
			t.Errorf("the failed load is not in the log:\n%s", text)
		}
		replace(t, s.file, version(t, 4)) // the current version
		replace(t, s.file, version(t, 5))
		s.becomes(5)
	})
}

// exchange sends numbered messages and checks the answers. When stop is closed, it sends one more message and returns.
func exchange(c *wstest.Conn, socket int, stop <-chan struct{}) error {
	for n, last := 0, false; !last; n++ {
		select {
		case <-stop:
			last = true
		default:
		}
		text := fmt.Sprintf("%d:%d", socket, n)
		if err := c.WriteText("store_add total;version;send " + text); err != nil {
			return err
		}
		v, err := c.ReadFrame()
		if err != nil || !strings.HasPrefix(string(v), "version-") {
			return fmt.Errorf("message %s: version %q, %v", text, v, err)
		}
		if p, err := c.ReadFrame(); err != nil || string(p) != text {
			return fmt.Errorf("message %s: answer %q, %v", text, p, err)
		}
	}
	return nil
}

// TestHotReloadInBusyFolder checks that a new version is found although another file of its folder changes all the
// time.
func TestHotReloadInBusyFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.wasm")
	write(t, file, version(t, 1))
	_, url := serve(t, host.Options{Watch: true, Routes: []host.Route{{Path: "/c", Plugin: file}}})
	c := dial(t, url+"/c")
	do(t, c, "version", "version-1")
	replace(t, file, version(t, 2))
	n := 0
	eventually(t, "the new version", func() bool {
		n++
		write(t, filepath.Join(dir, "busy.log"), fmt.Append(nil, n))
		send(t, c, "version")
		_, b, err := c.Read(testContext(t))
		return err == nil && string(b) == "version-2"
	})
}

// TestLoadReleasesStore checks that the store is not locked after a load whose on_load writes to the store and traps,
// or after the replacement of an instance.
func TestLoadReleasesStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.wasm")
	write(t, file, version(t, 1))
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		route := host.Route{Path: "/c", Plugin: file, Instances: mode, Config: map[string]any{"do": "store_add loads"}}
		h, url := serveQuiet(t, host.Options{Routes: []host.Route{route}})
		c := dial(t, url+"/c")
		for range 4 {
			do(t, c, "trap", internalError)
			do(t, c, "store_add n;send ok", "ok")
		}
		do(t, c, "store_get loads;store_get n", "1", "4") // on_load of a version takes effect once
		route.Config = map[string]any{"do": "store_add loads;trap"}
		if err := h.Reload(testContext(t), host.Options{Routes: []host.Route{route}}); err == nil {
			t.Error("a plugin that traps in on_load was loaded")
		}
		do(t, c, "store_get loads;store_add n;store_get n", "1", "5")
	}
}
