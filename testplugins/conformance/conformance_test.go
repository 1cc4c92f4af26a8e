// Package conformance runs one table of behaviors against a guest in each language. README.md
// describes the guests and how to add a language.
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

// guestsEnv is the environment variable with a folder that has LANGUAGE.wasm for each language. Without
// it the test uses the committed guests and builds the others.
const guestsEnv = "AZUHOST_GUESTS"

// missingTool is the exit code of a build script whose compiler is missing.
const missingTool = 3

// TestConformance tests every behavior in every language.
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
			g := guest{file: guestFile(t, language), cache: cache}
			t.Run("module", g.testModule)
			t.Run("a config that fails", g.testConfigFails)
			t.Run("capabilities that are not allowed", g.testNotAllowed)
			t.Run("exchanges", g.testExchanges)
			for _, b := range behaviors {
				t.Run(b.name, func(t *testing.T) { b.test(newBehaviorHarness(t, g, b)) })
			}
		})
	}
}

// guest is the module of a language.
type guest struct {
	file  string
	cache string // folder for compiled modules
}

// guestFile returns the file with the guest of a language, which it builds if it is not committed.
func guestFile(t *testing.T, language string) string {
	t.Helper()
	if dir := os.Getenv(guestsEnv); dir != "" {
		file := filepath.Join(dir, language+".wasm")
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("%s is set, but the guest is not there: %v", guestsEnv, err)
		}
		return file
	}
	committed := filepath.Join(language, "guest.wasm")
	if _, err := os.Stat(committed); err == nil {
		return committed
	}
	if race.Enabled {
		t.Skip("the guest is large, and compiling it with the race detector takes minutes; make conformance runs it")
	}
	out := filepath.Join(t.TempDir(), language+".wasm")
	text, err := exec.Command(filepath.Join(language, "build"), out).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == missingTool {
		t.Skipf("the guest is not built: %s", strings.TrimSpace(string(text)))
	}
	if err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

// testModule fails unless the guest imports every host function and exports every hook.
func (g guest) testModule(t *testing.T) {
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
