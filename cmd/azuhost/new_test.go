package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
	"github.com/azuhost/azuhost/internal/race"
)

// change replaces from by to in a source file of a new project. The channel then answers every message with "lobby".
type change struct{ file, from, to string }

// changes holds the change of each language. from is on one line and occurs once.
var changes = map[string]change{
	"typescript": {"shout.ts", `.broadcast(message)`, `.broadcast("lobby")`},
	"javascript": {"shout.js", `.broadcast(message)`, `.broadcast("lobby")`},
	"go":         {"main.go", `Broadcast(m)`, `Broadcast(azu.Text("lobby"))`},
	"tinygo":     {"main.go", `Broadcast(m)`, `Broadcast(azu.Text("lobby"))`},
	"rust":       {"src/lib.rs", `.broadcast(message)`, `.broadcast("lobby")`},
	"c":          {"shout.c", `message, AZU_NOBODY`, `azu_text(AZU_STR("lobby")), AZU_NOBODY`},
	"cpp":        {"shout.cpp", `.broadcast(message)`, `.broadcast("lobby")`},
	"zig": {"shout.zig", `.broadcast(message, .none)`,
		`.broadcast(if (message.data.len > 0) .text("lobby") else message, .none)`},
	"assemblyscript": {"shout.ts", `.broadcast(message)`, `.broadcast(Message.text("lobby"))`},
	"wat": {"shout.wat", `(i32.const 0x10000) (local.get $len) (i64.const 0)`,
		`(i32.const 16) (i32.const 5) (i64.const 0)`},
}

// TestNewProjects creates a project in each language, builds it, plays its scenario, and changes it while azuhost dev
// serves it and a client is connected.
func TestNewProjects(t *testing.T) {
	if testing.Short() {
		t.Skip("builds in all languages: not with -short")
	}
	if race.Enabled {
		t.Skip("takes minutes with the race detector, which slows the compilation of plugins")
	}
	for _, l := range toolchain.Languages {
		t.Run(l.Name, func(t *testing.T) {
			env, node := buildEnv(t, l)
			dir := filepath.Join(t.TempDir(), "shout")
			out := mustRun(t, env, "new", l.Name, dir)
			if !strings.Contains(out, "azuhost dev") {
				t.Errorf("the output does not name azuhost dev:\n%s", out)
			}
			if l.SDK == "assemblyscript" {
				if err := os.Symlink(node, filepath.Join(dir, "node_modules")); err != nil { // npm install
					t.Fatal(err)
				}
			}
			mustRun(t, env, "build", "--no-shrink", "--script-timeout", "1m", dir)
			if _, err := os.Stat(filepath.Join(dir, "shout.wasm")); err != nil {
				t.Error(err)
			}
			want := "ok    " + filepath.Join(dir, "shout.scenario")
			if out := mustRun(t, env, "test", dir, "--script-timeout", "1m"); !strings.Contains(out, want) {
				t.Errorf("the scenario failed:\n%s", out)
			}
			c, known := changes[l.Name]
			if !known {
				t.Fatal("the language has no change: add one to changes")
			}
			changeServed(t, env, dir, c)
		})
	}
}

// changeServed serves a project with azuhost dev and changes it, first so that it does not build. One connection
// receives the answers of all versions.
func changeServed(t *testing.T, env []string, dir string, c change) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(c.file))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	source := string(data)
	if strings.Count(source, c.from) != 1 {
		t.Fatalf("%q does not occur once in %s:\n%s", c.from, c.file, source)
	}
	_, address := startDev(t, env, dir)
	events := follow(t, "http://"+address+"/playground/events")
	events.waitFor("listening (")
	ask := dialDev(t, address, "shout")
	if got := ask("hello"); got != "hello" {
		t.Fatalf("the new project answers %q", got)
	}

	events.forget()
	edit(t, file, strings.Replace(source, c.from, ")("+c.from, 1))
	events.waitFor("does not build", "the previous version keeps running")
	line := 1 + strings.Count(source[:strings.Index(source, c.from)], "\n")
	place := regexp.MustCompile(fmt.Sprintf(`%s[:(]%d\b`, regexp.QuoteMeta(filepath.Base(file)), line))
	if !place.MatchString(events.all.String()) {
		t.Errorf("the error does not name line %d of %s:\n%s", line, c.file, events.all.String())
	}
	if got := ask("hello"); got != "hello" {
		t.Fatalf("after a failed build: %q", got)
	}

	events.forget()
	edit(t, file, strings.Replace(source, c.from, c.to, 1))
	events.waitFor("plugin loaded")
	if got := ask("hello"); got != "lobby" {
		t.Errorf("the changed project answers %q", got)
	}
}

// buildEnv returns an environment that builds plugins of a language with the tools of make tools. It also returns the
// folder of npm packages. If a tool is missing, it skips the test. With AZUHOST_GUESTS, as in CI, it fails the test
// instead, except for TinyGo, which CI has no package of.
func buildEnv(t *testing.T, l *toolchain.Language) (env []string, node string) {
	t.Helper()
	build, err := filepath.Abs("../../build")
	if err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH") + string(filepath.ListSeparator) + filepath.Join(build, "tools", "zig", "ziglang")
	// Variables of the tests themselves, which azuhost would refuse as unknown.
	isOurs := func(kv string) bool { return strings.HasPrefix(kv, "AZUHOST_") }
	env = append(slices.DeleteFunc(os.Environ(), isOurs), "PATH="+path)
	if os.Getenv("ZIG_GLOBAL_CACHE_DIR") == "" {
		env = append(env, "ZIG_GLOBAL_CACHE_DIR="+filepath.Join(build, "zig-cache"))
	}
	node = filepath.Join(build, "tools", "npm", "node_modules")
	missing := ""
	switch l.SDK {
	case "js":
		file, err := scripttest.Runtime()
		if err != nil {
			missing = err.Error()
		}
		env = append(env, "AZUHOST_JS_RUNTIME="+file)
	case "assemblyscript":
		if _, err := os.Stat(node); err != nil {
			missing = "needs the AssemblyScript compiler: run make tools"
		}
	default:
		if tools := l.Missing(env); len(tools) > 0 {
			missing = fmt.Sprintf("needs %s: %s", tools[0].Name, tools[0].Hint)
		}
	}
	switch {
	case missing == "":
	case os.Getenv("AZUHOST_GUESTS") != "" && l.Name != "tinygo":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
	return slices.Clip(env), node
}

// mustRun runs azuhost, which must succeed, and returns its standard output.
func mustRun(t *testing.T, env []string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errs, env); code != exitOK {
		t.Fatalf("azuhost %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String()
}
