//go:build unix

package host_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/internal/race"
)

// buildAzuhost builds the server, with the race detector if the test has it. The tests of several nodes start it as an
// operator does, so that nodes reach each other over Redis only.
func buildAzuhost(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds azuhost: not with -short")
	}
	bin := filepath.Join(t.TempDir(), "azuhost")
	args := []string{"build", "-o", bin}
	if race.Enabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../cmd/azuhost")...).CombinedOutput(); err != nil {
		t.Fatalf("build azuhost: %v\n%s", err, out)
	}
	return bin
}

// nodeConfig is a configuration with a route that keeps a history and one that does not. The plugin runs the commands
// that clients send: see testplugins/host_script.wat.
const nodeConfig = `
defaults:
  plugin: %s
  presence_grace: 0s
  limits: {max_queue: 32MiB, deadline: 5s}
routes:
  /kept: {history: {size: 50000}}
  /plain: {}
broker: {url: %q%s}
drain: {spread: 300ms, reconnect: 100ms}
watch: false
listen: 127.0.0.1:0
internal: 127.0.0.1:0
`

// process is a process of azuhost serve.
type process struct {
	t        *testing.T
	name     string
	url      string // ws://
	internal string // http://
	cmd      *exec.Cmd
	log      logBuffer
	done     chan struct{} // closed when the process has ended
	err      error         // of the process; set before done is closed
}

// launch starts azuhost and does not wait. more is added to the block broker of the configuration.
func launch(t *testing.T, bin, name, broker, more string) *process {
	t.Helper()
	dir := t.TempDir()
	guest, err := filepath.Abs(scriptGuest)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "azuhost.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, nodeConfig, guest, broker, more), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, done: make(chan struct{})}
	p.cmd = exec.Command(bin, "serve", "--config", config, "--node", name)
	p.cmd.Env = append(os.Environ(), "HOME="+dir)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails if the process has ended
		<-p.done
		log := p.log.String()
		if strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic:") {
			t.Errorf("%s panicked, or has a data race", name)
		}
		if t.Failed() {
			t.Logf("%s:\n%s", name, log)
		}
	})
	return p
}

// listening matches the log line with the addresses of a node.
var listening = regexp.MustCompile(`msg=listening address=(\S+) .*internal=(\S+)`)

// startProcess starts azuhost and waits until it listens.
func startProcess(t *testing.T, bin, name, broker, more string) *process {
	t.Helper()
	p := launch(t, bin, name, broker, more)
	var m []string
	eventually(t, name+" listens", func() bool {
		select {
		case <-p.done:
			t.Fatalf("%s ended: %v", name, p.err)
		default:
		}
		m = listening.FindStringSubmatch(p.log.String())
		return m != nil
	})
	p.url, p.internal = "ws://"+m[1], "http://"+m[2]
	return p
}

// Settings of the broker: how fast nodes give up on Redis and on each other.
const (
	calm   = ", required: true, ttl: 20s, timeout: 10s" // a busy machine loses no link
	mortal = ", required: true, ttl: 3s, timeout: 2s"
	brisk  = ", required: true, ttl: 3s, timeout: 500ms"
)

// startProcesses starts a node for each URL of a broker, and waits until they know each other.
func startProcesses(t *testing.T, bin, more string, brokers ...string) (nodes []*process) {
	t.Helper()
	for i, url := range brokers {
		nodes = append(nodes, startProcess(t, bin, "n"+strconv.Itoa(i), url, more))
	}
	for _, p := range nodes {
		eventually(t, "all know each other", func() bool { return p.metric("azuhost_broker_nodes") == len(nodes) })
	}
	return nodes
}

// get sends a GET request to the internal listener.
func (p *process) get(path string) (status int, body []byte) {
	p.t.Helper()
	res, err := http.Get(p.internal + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, body
}

// metric returns the value of a series; -1: there is no such series.
func (p *process) metric(series string) int {
	p.t.Helper()
	_, body := p.get("/metrics")
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				p.t.Fatal(line)
			}
			return int(v)
		}
	}
	return -1
}

// sockets returns the number of connections in a room, as the API of the node reports it.
func (p *process) sockets(route, room string) int {
	p.t.Helper()
	_, body := p.get("/api/v1/room?route=" + escape(route) + "&room=" + escape(room))
	var r struct{ Sockets int }
	if err := json.Unmarshal(body, &r); err != nil {
		p.t.Fatalf("%v: %s", err, body)
	}
	return r.Sockets
}

// users returns the users in a room, as the API of the node reports them.
func (p *process) users(route, room string) string {
	p.t.Helper()
	_, body := p.get("/api/v1/presence?route=" + escape(route) + "&room=" + escape(room))
	var r struct{ Items []string }
	if err := json.Unmarshal(body, &r); err != nil {
		p.t.Fatalf("%v: %s", err, body)
	}
	return strings.Join(r.Items, " ")
}

// degraded reports whether the node is degraded. It expects that the node is ready.
func (p *process) degraded() bool {
	p.t.Helper()
	status, body := p.get("/readyz")
	if status != http.StatusOK {
		p.t.Errorf("%s: /readyz answers %d: %s", p.name, status, body)
	}
	return strings.Contains(string(body), "degraded")
}

// ends waits until the process has ended, and returns its error.
func (p *process) ends(within time.Duration) error {
	p.t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(within):
		p.t.Fatalf("%s has not ended after %v", p.name, within)
		return nil
	}
}
