// Package deploy has no code: its tests hold the files in this folder against
// the program that they deploy.
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

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files lists the files in this folder with one of the endings.
func files(t *testing.T, endings ...string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(endings, filepath.Ext(name)) {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

// documents reads all documents of a YAML file, strictly.
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

func TestYAMLReads(t *testing.T) {
	for _, name := range files(t, ".yaml") {
		if len(documents(t, name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

// dashboard gives the queries of the dashboard with Grafana's variables filled in.
func dashboard(t *testing.T) (queries []string) {
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

// TestMetricsExist: dashboard, alerts and guide speak of metrics that docs/METRICS.md
// has, and that has what the code has.
func TestMetricsExist(t *testing.T) {
	names := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(azuhost_\\w+)` \\| (\\w+)").FindAllStringSubmatch(read(t, "../docs/METRICS.md"), -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			names[m[1]+"_bucket"], names[m[1]+"_count"], names[m[1]+"_sum"] = true, true, true
		}
	}
	for what, text := range map[string]string{
		"the dashboard": strings.Join(dashboard(t), "\n"), "prometheus/alerts.yaml": read(t, "prometheus/alerts.yaml"), "docs/DEPLOY.md": read(t, "../docs/DEPLOY.md"),
	} {
		found := regexp.MustCompile(`\bazuhost_\w+`).FindAllString(text, -1)
		if len(found) == 0 {
			t.Errorf("%s speaks of no metric", what)
		}
		for _, n := range found {
			if !names[n] {
				t.Errorf("%s speaks of %s, which docs/METRICS.md does not have", what, n)
			}
		}
	}
}

// TestPromtool: Prometheus reads its configuration, the alerts, and the queries
// of the dashboard.
func TestPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool (of prometheus) is not installed")
	}
	run := func(want string, args ...string) {
		t.Helper()
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	alerts := read(t, "prometheus/alerts.yaml")
	run(fmt.Sprintf("%d rules found", strings.Count(alerts, "- alert:")), "check", "rules", "prometheus/alerts.yaml")

	var rules bytes.Buffer
	fmt.Fprintln(&rules, "groups: [{name: dashboard, rules: [")
	queries := dashboard(t)
	for i, q := range queries {
		fmt.Fprintf(&rules, "{record: 'q:%d', expr: %q},\n", i, q)
	}
	fmt.Fprintln(&rules, "]}]")
	dir := t.TempDir()
	file := filepath.Join(dir, "dashboard.yaml")
	write(t, file, rules.String())
	run(fmt.Sprintf("%d rules found", len(queries)), "check", "rules", file)

	// The token is a file that is there only in the container.
	config := filepath.Join(dir, "prometheus.yaml")
	write(t, filepath.Join(dir, "token"), "secret")
	write(t, filepath.Join(dir, "alerts.yaml"), alerts)
	write(t, config, strings.Replace(read(t, "prometheus/prometheus.yaml"), "/run/secrets/internal_token", "token", 1))
	run("is valid", "check", "config", config)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestVariablesExist: an AZUHOST_ variable that does not exist keeps azuhost from
// starting.
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
				t.Errorf("%s sets %s, which docs/CONFIG.md does not have", name, v)
			}
		}
	}
}

// number is the first group of a pattern in a text.
func number(t *testing.T, text, pattern string) int {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing is like %s", pattern)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTimeToDrain: whoever ends azuhost waits longer than it may take.
func TestTimeToDrain(t *testing.T) {
	drain := number(t, read(t, "../docs/CONFIG.md"), "(?m)^\\| `shutdown_timeout`.*?\\| `(\\d+)s`")
	pod := read(t, "kubernetes/azuhost.yaml")
	for what, wait := range map[string]int{
		"TimeoutStopSec":                number(t, read(t, "azuhost.service"), `TimeoutStopSec=(\d+)`),
		"stop_grace_period":             number(t, read(t, "compose.yaml"), `stop_grace_period: (\d+)s`),
		"terminationGracePeriodSeconds": number(t, pod, `terminationGracePeriodSeconds: (\d+)`) - number(t, pod, `sleep: \{seconds: (\d+)\}`),
	} {
		if wait < drain+5 {
			t.Errorf("%s leaves %d s, and shutdown_timeout is %d s", what, wait, drain)
		}
	}
}

// azuhost builds the program, as make build does so that the cache has it.
func azuhost(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "azuhost")
	if text, err := exec.Command("go", "build", "-trimpath", "-o", out, "../cmd/azuhost").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// TestConfigurationsCheck has azuhost check what the image and the ConfigMap
// serve, with the variables around. The plugins are stand-ins.
func TestConfigurationsCheck(t *testing.T) {
	bin := azuhost(t)
	var mapped string
	for _, doc := range documents(t, "kubernetes/azuhost.yaml") {
		if doc["kind"] == "ConfigMap" {
			mapped = doc["data"].(map[string]any)["azuhost.yaml"].(string)
		}
	}
	plugin := read(t, "../testplugins/echo.wasm")
	for what, text := range map[string]string{"image": read(t, "azuhost.yaml"), "ConfigMap": strings.ReplaceAll(mapped, "/etc/azuhost/", "")} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "plugins"), 0o700); err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`plugin: plugins/(\w+)\.wasm`).FindAllStringSubmatch(text, -1)
		if len(names) == 0 {
			t.Fatalf("%s: no plugins", what)
		}
		for _, m := range names {
			if _, err := os.Stat("../plugins/" + m[1]); err != nil {
				t.Errorf("%s: there is no ready-made plugin %s", what, m[1])
			}
			write(t, filepath.Join(dir, "plugins", m[1]+".wasm"), plugin)
		}
		write(t, filepath.Join(dir, "azuhost.yaml"), text)
		cmd := exec.Command(bin, "check", "--config", filepath.Join(dir, "azuhost.yaml"))
		cmd.Env = append(os.Environ(), "AZUHOST_INTERNAL=0.0.0.0:4001", "AZUHOST_INTERNAL_TOKEN=secret", "AZUHOST_CACHE_DIR="+filepath.Join(dir, "cache"), "AZUHOST_STATE_DIR="+filepath.Join(dir, "state"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
}

// TestSystemd has systemd read the unit.
func TestSystemd(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze (of systemd) is not installed")
	}
	unit := filepath.Join(t.TempDir(), "azuhost.service")
	self, err := os.Executable() // a program that is there
	if err != nil {
		t.Fatal(err)
	}
	write(t, unit, strings.Replace(read(t, "azuhost.service"), "/usr/local/bin/azuhost", self, 1))
	out, err := exec.Command(tool, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), unit) {
		t.Errorf("%v\n%s", err, out)
	}
}
