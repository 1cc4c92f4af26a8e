package host_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
)

// busyHost returns a host that has had connections, messages, refusals and faults.
func busyHost(t *testing.T) *host.Host {
	t.Helper()
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c/:id", Plugin: scriptGuest}, echoRoute()}})
	c := dialDo(t, url+"/c/1", "join room;counter_add hits;broadcast room|x")
	want(t, c, "x")
	do(t, c, "fail no luck", internalError)
	do(t, c, "trap", internalError)
	do(t, dial(t, url+"/echo"), "x", "x")
	wantStatus(t, refused(t, url+"/c/1?do=refuse+401"), 401)
	wantStatus(t, refused(t, url+"/c/1?do=refuse+403"), 403)
	_ = dial(t, url+"/c/2").CloseNow()
	wantMetric(t, h, `azuhost_connections_closed_total{code="1006",route="/c/:id"}`, 1)
	return h
}

// TestPromtool checks that promtool, which prints problems only, prints nothing about the metrics.
func TestPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool (of prometheus) is not installed")
	}
	cmd := exec.Command(tool, "check", "metrics")
	cmd.Stdin = strings.NewReader(metricsOf(t, busyHost(t)))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPrometheus checks queries of a Prometheus server that scrapes the internal listener.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed")
	}
	a, err := admin.New(busyHost(t), admin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	target := httptest.NewServer(a)
	defer target.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	const format = "scrape_configs: [{job_name: azuhost, scrape_interval: 100ms, scrape_timeout: 100ms, " +
		"static_configs: [{targets: [%q]}]}]\n"
	text := fmt.Sprintf(format, strings.TrimPrefix(target.URL, "http://"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	log := &logBuffer{}
	cmd := exec.Command(prometheus, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Log(log)
		}
	}()
	for query, value := range map[string]string{
		`up`:                                  "1",
		`azuhost_connections{route="/c/:id"}`: "1",
		`sum(azuhost_connections_refused_total{reason="plugin"})`:                "2",
		`azuhost_plugin_faults_total{reason="trap"}`:                             "1",
		`azuhost_app_hits_total`:                                                 "1",
		`sum by (route) (azuhost_messages_received_total{route="/echo"})`:        "1",
		`count(azuhost_plugin_hook_duration_seconds_bucket{hook="on_message"})`:  "20",
		`sum(azuhost_plugin_hook_duration_seconds_count{hook="on_message"}) > 1`: "2",
		`count(count by (route) ({__name__=~"azuhost_.*", route!=""}))`:          "2",
	} {
		var got string
		eventually(t, query, func() bool {
			got = queryValue(t, "http://"+address+"/api/v1/query?query="+url.QueryEscape(query))
			return got == value
		})
	}
}

// queryValue returns the value of a query that has one result, or "" while it has none.
func queryValue(t *testing.T, url string) string {
	res, err := http.Get(url)
	if err != nil {
		return "" // the server has not started
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode == http.StatusServiceUnavailable {
		return ""
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil || answer.Status != "success" {
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	if len(answer.Data.Result) != 1 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// freeAddress returns a loopback address with a free port.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
