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
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/coder/websocket"
)

// trialHost is a host with one plugin on the route /c. A test replaces the plugin's file with other versions.
type trialHost struct {
	t    *testing.T
	file string
	o    host.Options
	log  *logBuffer // debug level

	// Set by start.
	h   *host.Host
	url string
	c   *websocket.Conn
}

// newTrialHost returns a host, not started, whose file has version n.
func newTrialHost(t *testing.T, mode host.Instances, n int) *trialHost {
	t.Helper()
	s := &trialHost{t: t, file: filepath.Join(t.TempDir(), "p.wasm"), log: &logBuffer{}}
	write(t, s.file, version(t, n))
	s.o = host.Options{
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Routes: []host.Route{
			{Path: "/c", Plugin: s.file, Instances: mode, Limits: host.Limits{Deadline: hookDeadline}},
		},
	}
	return s
}

// onModes runs a test with each mode of instances.
func onModes(t *testing.T, test func(t *testing.T, s *trialHost)) {
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		t.Run(string(mode), func(t *testing.T) { test(t, newTrialHost(t, mode, 1)) })
	}
}

// start starts the host and connects.
func (s *trialHost) start() {
	s.t.Helper()
	s.h, s.url = serve(s.t, s.o)
	s.c = dial(s.t, s.url+"/c")
}

// watch starts the host with the file as it is now, and with Options.Watch.
func (s *trialHost) watch() {
	s.t.Helper()
	s.o.Watch, s.o.Routes[0].Plugin = true, s.file
	s.start()
	s.runs(1)
}

// load replaces the file by version n and reloads.
func (s *trialHost) load(n int) {
	s.t.Helper()
	replace(s.t, s.file, version(s.t, n))
	reload(s.t, s.h, s.o)
}

// pass makes the current version pass its trial.
func (s *trialHost) pass() {
	s.t.Helper()
	for range plugin.TrialHooks {
		do(s.t, s.c, "send x", "x")
	}
	s.waitForLog(`"plugin version is good" route=/c plugin=p version=` + s.version())
}

// fail makes the current version fail its trial, if it is on trial.
func (s *trialHost) fail() {
	s.t.Helper()
	for range plugin.TrialFaults {
		do(s.t, s.c, "trap", internalError)
	}
}

// version returns the id of the current version.
func (s *trialHost) version() string { return s.h.Routes()[0].Version }

// runs checks that version n runs.
func (s *trialHost) runs(n int) {
	s.t.Helper()
	do(s.t, s.c, "version", fmt.Sprintf("version-%d", n))
}

// becomes waits until version n runs.
func (s *trialHost) becomes(n int) {
	s.t.Helper()
	waitForVersion(s.t, s.c, n)
}

// waitForVersion waits until version n answers a connection.
func waitForVersion(t *testing.T, c *websocket.Conn, n int) {
	t.Helper()
	want := fmt.Sprintf("version-%d", n)
	eventually(t, want, func() bool {
		send(t, c, "version")
		_, b, err := c.Read(testContext(t))
		return err == nil && string(b) == want
	})
}

// wantLoads waits until n loads are counted with a result.
func (s *trialHost) wantLoads(result string, n float64) {
	s.t.Helper()
	wantMetric(s.t, s.h, `azuhost_plugin_loads_total{plugin="p",result="`+result+`",route="/c"}`, n)
}

// waitForLog waits until the log contains text.
func (s *trialHost) waitForLog(text string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%q in the log", text), func() bool { return strings.Contains(s.log.String(), text) })
}

// version returns the script guest with version n in it.
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

// write writes a file in place.
func write(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace renames a new file over an old one.
func replace(t testing.TB, file string, b []byte) {
	t.Helper()
	write(t, file+".new", b)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// logBuffer is a log that a test can read while it is written.
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
