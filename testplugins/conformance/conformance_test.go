// Package conformance runs one table of behaviours against a guest in each
// language. README.md says how a language is added.
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

// built names a folder with LANGUAGE.wasm for each language. Without it the
// committed guests are taken, and the large ones built.
const built = "AZUHOST_GUESTS"

// missingTool is how a build script ends that lacks what it needs.
const missingTool = 3

// TestConformance is every behaviour in every language.
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
			t.Run("module", g.module)
			t.Run("a config that fails", g.configFails)
			t.Run("what is not allowed", g.notAllowed)
			t.Run("answers", g.answers)
			for _, s := range scenes {
				t.Run(s.name, func(t *testing.T) { s.play(newStage(t, g, s)) })
			}
		})
	}
}

// guest is a module, and where its compiled form is kept.
type guest struct{ file, cache string }

// guestFile finds or builds the guest of a language.
func guestFile(t *testing.T, language string) string {
	t.Helper()
	if dir := os.Getenv(built); dir != "" {
		file := filepath.Join(dir, language+".wasm")
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("%s is set, but the guest is not there: %v", built, err)
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
	text, err := exec.Command(filepath.Join(language, "build"), out).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == missingTool {
		t.Skipf("the guest is not built: %s", strings.TrimSpace(string(text)))
	}
	if err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

// module holds what the guest imports and exports against the ABI: a guest
// that lacks a function does not test it.
func (g guest) module(t *testing.T) {
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
