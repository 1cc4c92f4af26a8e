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

// change is one to the source of a new project, after which its channel
// answers with the word lobby, whatever it is sent.
type change struct{ file, from, to string }

// changes has one for each language. What from is followed by is on its line.
var changes = map[string]change{
	"typescript":     {"shout.ts", `.broadcast(message)`, `.broadcast("lobby")`},
	"javascript":     {"shout.js", `.broadcast(message)`, `.broadcast("lobby")`},
	"go":             {"main.go", `Broadcast(m)`, `Broadcast(azu.Text("lobby"))`},
	"tinygo":         {"main.go", `Broadcast(m)`, `Broadcast(azu.Text("lobby"))`},
	"rust":           {"src/lib.rs", `.broadcast(message)`, `.broadcast("lobby")`},
	"c":              {"shout.c", `message, AZU_NOBODY`, `azu_text(AZU_STR("lobby")), AZU_NOBODY`},
	"cpp":            {"shout.cpp", `.broadcast(message)`, `.broadcast("lobby")`},
	"zig":            {"shout.zig", `.broadcast(message, .none)`, `.broadcast(if (message.data.len > 0) .text("lobby") else message, .none)`},
	"assemblyscript": {"shout.ts", `.broadcast(message)`, `.broadcast(Message.text("lobby"))`},
	"wat":            {"shout.wat", `(i32.const 0x10000) (local.get $len) (i64.const 0)`, `(i32.const 16) (i32.const 5) (i64.const 0)`},
}

// TestNewProjects makes a project in each language, plays its scenario, and
// changes it while a client is connected, as somebody does who begins.
func TestNewProjects(t *testing.T) {
	if testing.Short() {
		t.Skip("builds in all languages: not with -short")
	}
	if race.Enabled {
		t.Skip("the race detector takes minutes to compile what it makes")
	}
	for _, l := range toolchain.Languages {
		t.Run(l.Name, func(t *testing.T) {
			env, node := tools(t, l)
			dir := filepath.Join(t.TempDir(), "shout")
			out := ok(t, env, "new", l.Name, dir)
			if !strings.Contains(out, "azuhost dev") {
				t.Errorf("new does not say how to go on:\n%s", out)
			}
			if l.SDK == "assemblyscript" {
				if err := os.Symlink(node, filepath.Join(dir, "node_modules")); err != nil { // npm install
					t.Fatal(err)
				}
			}
			ok(t, env, "build", "--no-shrink", "--script-timeout", "1m", dir)
			if _, err := os.Stat(filepath.Join(dir, "shout.wasm")); err != nil {
				t.Error(err)
			}
			if out := ok(t, env, "test", dir, "--script-timeout", "1m"); !strings.Contains(out, "ok    "+filepath.Join(dir, "shout.scenario")) {
				t.Errorf("test says\n%s", out)
			}
			c, known := changes[l.Name]
			if !known {
				t.Fatal("a new language: say how to change its project")
			}
			changeServed(t, env, dir, c)
		})
	}
}

// changeServed serves a project and changes it: first to what does not build,
// then to what does. One socket gets the answers of all versions.
func changeServed(t *testing.T, env []string, dir string, c change) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(c.file))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	source := string(data)
	if strings.Count(source, c.from) != 1 {
		t.Fatalf("%s has %q not once:\n%s", c.file, c.from, source)
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
	if place := regexp.MustCompile(fmt.Sprintf(`%s[:(]%d\b`, regexp.QuoteMeta(filepath.Base(file)), line)); !place.MatchString(events.all.String()) {
		t.Errorf("the error does not say that line %d of %s is wrong:\n%s", line, c.file, events.all.String())
	}
	if got := ask("hello"); got != "hello" {
		t.Fatalf("after a build that failed: %q", got)
	}

	events.forget()
	edit(t, file, strings.Replace(source, c.from, c.to, 1))
	events.waitFor("plugin loaded")
	if got := ask("hello"); got != "lobby" {
		t.Errorf("the changed project answers %q", got)
	}
}

// tools is the environment to build plugins of a language in, with what make
// tools has installed. A test that lacks something is skipped; where
// AZUHOST_GUESTS is set, as in CI, it fails. Only TinyGo may lack there: no
// package has it that CI could install.
func tools(t *testing.T, l *toolchain.Language) (env []string, node string) {
	t.Helper()
	build, err := filepath.Abs("../../build")
	if err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH") + string(filepath.ListSeparator) + filepath.Join(build, "tools", "zig", "ziglang")
	ours := func(kv string) bool { return strings.HasPrefix(kv, "AZUHOST_") } // azuhost refuses what it does not know
	env = append(slices.DeleteFunc(os.Environ(), ours), "PATH="+path)
	if os.Getenv("ZIG_GLOBAL_CACHE_DIR") == "" {
		env = append(env, "ZIG_GLOBAL_CACHE_DIR="+filepath.Join(build, "zig-cache"))
	}
	node = filepath.Join(build, "tools", "npm", "node_modules")
	lacks := ""
	switch l.SDK {
	case "js":
		file, err := scripttest.Runtime()
		if err != nil {
			lacks = err.Error()
		}
		env = append(env, "AZUHOST_JS_RUNTIME="+file)
	case "assemblyscript":
		if _, err := os.Stat(node); err != nil {
			lacks = "needs the compiler of AssemblyScript: make tools"
		}
	default:
		if missing := l.Missing(env); len(missing) > 0 {
			lacks = fmt.Sprintf("needs %s: %s", missing[0].Name, missing[0].Hint)
		}
	}
	switch {
	case lacks == "":
	case os.Getenv("AZUHOST_GUESTS") != "" && l.Name != "tinygo":
		t.Fatal(lacks)
	default:
		t.Skip(lacks)
	}
	return slices.Clip(env), node
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
