package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// toolsEnv is the environment with what make tools has installed.
func toolsEnv(t *testing.T) (env []string, node string) {
	t.Helper()
	tools, err := filepath.Abs("../../build/tools")
	if err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH") + string(filepath.ListSeparator) + filepath.Join(tools, "zig", "ziglang")
	env = append(os.Environ(), "PATH="+path)
	return env, filepath.Join(tools, "npm", "node_modules")
}

// TestNewProjects makes a project in each language and plays its scenario, as
// somebody does who begins.
func TestNewProjects(t *testing.T) {
	if testing.Short() {
		t.Skip("builds in all languages: not with -short")
	}
	if raceEnabled {
		t.Skip("the race detector takes minutes to compile what it makes")
	}
	env, node := toolsEnv(t)
	for _, l := range toolchain.Languages {
		t.Run(l.Name, func(t *testing.T) {
			switch l.SDK {
			case "js":
				file, err := scripttest.Runtime()
				if err != nil {
					t.Skip(err)
				}
				env = append(env, "AZUHOST_JS_RUNTIME="+file)
			case "assemblyscript":
				if _, err := os.Stat(node); err != nil {
					t.Skip("needs the compiler of AssemblyScript: make tools")
				}
			default:
				if missing := l.Missing(env); len(missing) > 0 {
					t.Skipf("needs %s: %s", missing[0].Name, missing[0].Hint)
				}
			}
			dir := filepath.Join(t.TempDir(), "first-try")
			out := ok(t, env, "new", l.Name, dir)
			if !strings.Contains(out, "azuhost dev") {
				t.Errorf("new does not say how to go on:\n%s", out)
			}
			if l.SDK == "assemblyscript" {
				if err := os.Symlink(node, filepath.Join(dir, "node_modules")); err != nil { // npm install
					t.Fatal(err)
				}
			}
			if out := ok(t, env, "test", dir, "--script-timeout", "1m"); !strings.Contains(out, "ok    "+filepath.Join(dir, "first-try.scenario")) {
				t.Errorf("test says\n%s", out)
			}
			ok(t, env, "build", "--no-shrink", "--script-timeout", "1m", dir)
			if _, err := os.Stat(filepath.Join(dir, "first-try.wasm")); err != nil {
				t.Error(err)
			}
		})
	}
}

// ok runs azuhost, which must succeed, and gives what it prints.
func ok(t *testing.T, env []string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errs, env); code != exitOK {
		t.Fatalf("azuhost %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String()
}
