// Package conformance runs one table of behaviors against a guest in each language, and against the fake hosts of
// SDKs. README.md explains how to add a language.
package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/race"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// builtGuests is the environment variable for a directory with LANGUAGE.wasm for each language. Without it the test
// uses the committed guests, and builds the large ones.
const builtGuests = "AZUHOST_GUESTS"

// missingTool is the exit code of a build script that lacks a tool.
const missingTool = 3

// TestConformance runs every behavior with the guest of every language.
func TestConformance(t *testing.T) {
	languages, err := filepath.Glob("*/build")
	if err != nil || len(languages) == 0 {
		t.Fatalf("no guests: %v", err)
	}
	cache := t.TempDir()
	for _, script := range languages {
		language := filepath.Dir(script)
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			g := wasmGuest{file: guestFile(t, language), cache: cache}
			t.Run("imports and exports", g.testModule)
			t.Run("a config that fails", func(t *testing.T) { testFailingConfig(t, g.open) })
			t.Run("capabilities that are not allowed", g.testCapabilities)
			t.Run("exchanges", func(t *testing.T) { runExchanges(t, g.open, nil) })
			runBehaviors(t, g.open, nil)
		})
	}
}

// guestFile returns the file of a language's guest. It builds the guest if necessary.
func guestFile(t *testing.T, language string) string {
	t.Helper()
	if dir := os.Getenv(builtGuests); dir != "" {
		file := filepath.Join(dir, language+".wasm")
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("%s is set, and the guest is not there: %v", builtGuests, err)
		}
		return file
	}
	committed := filepath.Join(language, "guest.wasm")
	if _, err := os.Stat(committed); err == nil {
		return committed
	}
	if race.Enabled {
		t.Skip("the guest is large: the race detector takes minutes to compile it; make conformance runs it")
	}
	out := filepath.Join(t.TempDir(), language+".wasm")
	build(t, filepath.Join(language, "build"), out)
	return out
}

// build runs a build script. It skips the test if a tool is missing, unless builtGuests is set.
func build(t *testing.T, script, out string) {
	t.Helper()
	text, err := exec.Command(script, out).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == missingTool && os.Getenv(builtGuests) == "" {
		t.Skipf("%s: %s", script, strings.TrimSpace(string(text)))
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, text)
	}
}

// testModule requires that the guest imports every host function and exports every hook: otherwise it does not test
// them.
func (g wasmGuest) testModule(t *testing.T) {
	data, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := host.Inspect(t.Context(), data)
	if err != nil || info.Problem != "" {
		t.Fatal(err, info.Problem)
	}
	imported := map[string]bool{}
	for _, i := range info.Imports {
		imported[i.Module+"."+i.Name] = true
	}
	for _, d := range abi.Imports {
		if !imported[abi.Module+"."+d.Name] {
			t.Errorf("%s is not imported", d.Name)
		}
	}
	for _, d := range abi.Hooks {
		if !slices.Contains(info.Hooks, d.Name) {
			t.Errorf("%s is not exported", d.Name)
		}
	}
}

// testCapabilities: functions of optional capabilities that the route does not allow return PERM.
func (g wasmGuest) testCapabilities(t *testing.T) {
	data, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := host.Inspect(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	hasManifest := slices.ContainsFunc(info.Uses, func(u host.CapabilityUse) bool { return u.Optional })
	if !hasManifest {
		manifest := abi.ManifestSection + `{"optional":["all"]}`
		data = append(data, 0, byte(1+len(manifest)), byte(len(abi.ManifestSection)))
		data = append(data, manifest...)
	}
	g.file = filepath.Join(t.TempDir(), "guest.wasm")
	if err := os.WriteFile(g.file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := g.options(setup{})
	o.Routes[0].Allow = []abi.Capability{"send", "broadcast", "request", "log", "time", "random", "stdio"}
	b, err := openHost(t, o)
	if err != nil {
		t.Fatal(err)
	}
	c := (&harness{t, b}).dial("x")
	c.exchange("send|a", "a", "ok")
	for _, script := range []string{
		"join|r", "leave|r", "identify|ann", "close|1000|", "value_get|k", "value_set|k|v", "store_get|k", "store_set|k|v|0",
		"store_add|n|1|0", "timer_set|t|1", "channel_timer_clear|t", "gauge_set|g|1",
	} {
		c.exchange(script, "!PERM")
	}
}
