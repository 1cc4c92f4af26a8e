// Package deploy has no code. Its tests check that the files in this folder fit the program that they
// deploy.
package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// read returns the text of a file.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files returns the files in this folder with one of the extensions.
func files(t *testing.T, extensions ...string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(extensions, filepath.Ext(name)) {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

// documents parses all documents of a YAML file, strictly.
func documents(t *testing.T, name string) (docs []map[string]any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, name)), yaml.Strict())
	for {
		var doc map[string]any
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return docs
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		docs = append(docs, doc)
	}
}

// TestYAMLParses: all YAML files parse.
func TestYAMLParses(t *testing.T) {
	for _, name := range files(t, ".yaml") {
		if len(documents(t, name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

// dashboardQueries returns the queries of the dashboard with values for Grafana's variables.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboards/azuhost.json")), &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "1m", "$route", ".*", "$instance", ".*")
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			queries = append(queries, fill.Replace(q.Expr))
		}
	}
	if len(queries) < 20 {
		t.Fatalf("%d queries", len(queries))
	}
	return queries
}

// TestMetricsExist: the metrics in the dashboard, the alerts and docs/DEPLOY.md are in docs/METRICS.md, which
// another test compares with the code.
func TestMetricsExist(t *testing.T) {
	names := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `(azuhost_\\w+)` \\| (\\w+)")
	for _, m := range row.FindAllStringSubmatch(read(t, "../docs/METRICS.md"), -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			names[m[1]+"_bucket"], names[m[1]+"_count"], names[m[1]+"_sum"] = true, true, true
		}
	}
	for what, text := range map[string]string{
		"the dashboard":          strings.Join(dashboardQueries(t), "\n"),
		"prometheus/alerts.yaml": read(t, "prometheus/alerts.yaml"),
		"docs/DEPLOY.md":         read(t, "../docs/DEPLOY.md"),
	} {
		found := regexp.MustCompile(`\bazuhost_\w+`).FindAllString(text, -1)
		if len(found) == 0 {
			t.Errorf("%s has no metric", what)
		}
		for _, n := range found {
			if !names[n] {
				t.Errorf("%s has %s, which is not in docs/METRICS.md", what, n)
			}
		}
	}
}

// TestPromtool: promtool accepts the configuration of Prometheus, the alerts and the queries of the dashboard.
func TestPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool (of prometheus) is not installed")
	}
	run := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command(tool, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	alerts := read(t, "prometheus/alerts.yaml")
	run(fmt.Sprintf("%d rules found", strings.Count(alerts, "- alert:")), "check", "rules", "prometheus/alerts.yaml")

	run("SUCCESS", "test", "rules", "prometheus/alerts_test.yaml")

	var rules bytes.Buffer
	fmt.Fprintln(&rules, "groups: [{name: dashboard, rules: [")
	queries := dashboardQueries(t)
	for i, q := range queries {
		fmt.Fprintf(&rules, "{record: 'q:%d', expr: %q},\n", i, q)
	}
	fmt.Fprintln(&rules, "]}]")
	dir := t.TempDir()
	file := filepath.Join(dir, "dashboard.yaml")
	write(t, file, rules.String())
	run(fmt.Sprintf("%d rules found", len(queries)), "check", "rules", file)

	// The file with the token exists only in the container.
	config := filepath.Join(dir, "prometheus.yaml")
	write(t, filepath.Join(dir, "token"), "secret")
	write(t, filepath.Join(dir, "alerts.yaml"), alerts)
	prometheus := read(t, "prometheus/prometheus.yaml")
	write(t, config, strings.Replace(prometheus, "/run/secrets/internal_token", "token", 1))
	run("is valid", "check", "config", config)
}

// TestAlerts: each alert has a severity, a test in alerts_test.yaml and a section in docs/ALERTS.md.
func TestAlerts(t *testing.T) {
	tests, page := read(t, "prometheus/alerts_test.yaml"), read(t, "../docs/ALERTS.md")
	alerts := strings.Split(read(t, "prometheus/alerts.yaml"), "- alert: ")[1:]
	for _, a := range alerts {
		name, _, _ := strings.Cut(a, "\n")
		if !strings.Contains(a, "severity: ") || !strings.Contains(a, "runbook: docs/ALERTS.md#"+strings.ToLower(name)+"\n") {
			t.Errorf("%s has no severity or no runbook", name)
		}
		if !strings.Contains(tests, "- alertname: "+name+"\n") {
			t.Errorf("alerts_test.yaml does not test %s", name)
		}
		if !strings.Contains(page, "\n## "+name+"\n") {
			t.Errorf("docs/ALERTS.md does not explain %s", name)
		}
	}
	if n := strings.Count(page, "\n## "); n != len(alerts) {
		t.Errorf("docs/ALERTS.md explains %d alerts, there are %d", n, len(alerts))
	}
}

// write writes a text to a file.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestVariablesExist: each AZUHOST_ variable is in docs/CONFIG.md. azuhost does not start with an unknown one.
func TestVariablesExist(t *testing.T) {
	known := map[string]bool{"AZUHOST_CONFIG": true}
	variable := regexp.MustCompile(`\bAZUHOST_[A-Z_]*[A-Z]\b`)
	for _, v := range regexp.MustCompile("`AZUHOST_[A-Z_]+`").FindAllString(read(t, "../docs/CONFIG.md"), -1) {
		known[strings.Trim(v, "`")] = true
	}
	comment := regexp.MustCompile(`(?m)^\s*#.*`)
	for _, name := range append(files(t, ".yaml", ".service"), "Dockerfile") {
		for _, v := range variable.FindAllString(comment.ReplaceAllString(read(t, name), ""), -1) {
			if !known[v] {
				t.Errorf("%s sets %s, which is not in docs/CONFIG.md", name, v)
			}
		}
	}
}

// number returns the first group of a pattern in a text.
func number(t *testing.T, text, pattern string) int {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no match for %s", pattern)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTimeToDrain: the stop timeouts are at least 5 s longer than shutdown_timeout.
func TestTimeToDrain(t *testing.T) {
	drain := number(t, read(t, "../docs/CONFIG.md"), "(?m)^\\| `shutdown_timeout`.*?\\| `(\\d+)s`")
	pod := read(t, "kubernetes/azuhost.yaml")
	for what, wait := range map[string]int{
		"TimeoutStopSec":    number(t, read(t, "azuhost.service"), `TimeoutStopSec=(\d+)`),
		"stop_grace_period": number(t, read(t, "compose.yaml"), `stop_grace_period: (\d+)s`),
		"terminationGracePeriodSeconds": number(t, pod, `terminationGracePeriodSeconds: (\d+)`) -
			number(t, pod, `sleep: \{seconds: (\d+)\}`),
	} {
		if wait < drain+5 {
			t.Errorf("%s is %d s, and shutdown_timeout is %d s", what, wait, drain)
		}
	}
}

// azuhost builds the program with the flags of make build, so that it comes from the build cache.
func azuhost(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "azuhost")
	if text, err := exec.Command("go", "build", "-trimpath", "-o", out, "../cmd/azuhost").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// TestConfigurationsCheck: azuhost check accepts the configurations of the image and of the ConfigMap, with the
// variables that they are used with. The plugins are copies of echo.wasm.
func TestConfigurationsCheck(t *testing.T) {
	bin := azuhost(t)
	var configMap string
	for _, doc := range documents(t, "kubernetes/azuhost.yaml") {
		if doc["kind"] == "ConfigMap" {
			configMap = doc["data"].(map[string]any)["azuhost.yaml"].(string)
		}
	}
	for what, config := range map[string]string{
		"image":     read(t, "azuhost.yaml"),
		"ConfigMap": strings.ReplaceAll(configMap, "/etc/azuhost/", ""),
	} {
		t.Run(what, func(t *testing.T) { checkConfiguration(t, bin, config) })
	}
}

// checkConfiguration runs azuhost check on a configuration whose plugins are in plugins/.
func checkConfiguration(t *testing.T, bin, config string) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "plugins"), 0o700); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`plugin: plugins/(\w+)\.wasm`).FindAllStringSubmatch(config, -1)
	if len(names) == 0 {
		t.Fatal("no plugins")
	}
	plugin := read(t, "../testplugins/echo.wasm")
	for _, m := range names {
		if _, err := os.Stat("../plugins/" + m[1]); err != nil {
			t.Errorf("there is no ready-made plugin %s", m[1])
		}
		write(t, filepath.Join(dir, "plugins", m[1]+".wasm"), plugin)
	}
	write(t, filepath.Join(dir, "azuhost.yaml"), config)
	cmd := exec.Command(bin, "check", "--config", filepath.Join(dir, "azuhost.yaml"))
	cmd.Env = append(os.Environ(), "AZUHOST_INTERNAL=0.0.0.0:4001", "AZUHOST_INTERNAL_TOKEN=secret",
		"AZUHOST_CACHE_DIR="+filepath.Join(dir, "cache"), "AZUHOST_STATE_DIR="+filepath.Join(dir, "state"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestSystemd: systemd-analyze accepts the unit.
func TestSystemd(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze (of systemd) is not installed")
	}
	unit := filepath.Join(t.TempDir(), "azuhost.service")
	self, err := os.Executable() // any executable
	if err != nil {
		t.Fatal(err)
	}
	write(t, unit, strings.Replace(read(t, "azuhost.service"), "/usr/local/bin/azuhost", self, 1))
	out, err := exec.Command(tool, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), unit) {
		t.Errorf("%v\n%s", err, out)
	}
}
