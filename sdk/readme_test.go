package sdk_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echoes has, for each SDK, the module that the first command of its README builds, and the source.
var echoes = map[string]struct{ wasm, source string }{
	"rust":           {"target/wasm32-unknown-unknown/release/examples/echo.wasm", "examples/echo.rs"},
	"c":              {"echo.wasm", "examples/echo.c"},
	"zig":            {"echo.wasm", "examples/echo.zig"},
	"assemblyscript": {"echo.wasm", "examples/echo.ts"},
	"wat":            {"echo.wasm", "examples/echo.wat"},
}

// keepVariable is an environment variable: the folder to which the tests copy the echoes, for the table in README.md.
const keepVariable = "AZUHOST_ECHOES"

// TestReadme runs the first command of the README of every SDK in a copy of its folder, and sends messages to the echo
// that the command builds.
func TestReadme(t *testing.T) {
	for language, e := range echoes {
		t.Run(language, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(language)); err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(filepath.Join(language, e.source))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), "\n"); n > 25 {
				t.Errorf("%s has %d lines, more than 25", e.source, n)
			}
			run(t, language, dir, command(t, language, ""))
			echo(t, filepath.Join(dir, e.wasm), language)
		})
	}
	t.Run("cpp", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("c")); err != nil {
			t.Fatal(err)
		}
		run(t, "c", dir, command(t, "c", "clang++"))
		echo(t, filepath.Join(dir, "echo.wasm"), "cpp")
	})
}

// TestTemplate assembles the annotated template in WAT, and checks that it broadcasts to rooms.
func TestTemplate(t *testing.T) {
	out := filepath.Join(t.TempDir(), "rooms.wasm")
	run(t, "wat", "wat", "wat2wasm template.wat -o "+out)
	dial := serve(t, host.Route{Path: "/rooms/:room_id", Plugin: out, Limits: host.Limits{MaxMessage: 1 << 20}})
	a, b, other := dial("/rooms/1"), dial("/rooms/1"), dial("/rooms/2")
	for _, text := range []string{"hello", strings.Repeat("x", 300_000), "again"} {
		write(t, a, websocket.MessageText, text)
		want(t, a, websocket.MessageText, text)
		want(t, b, websocket.MessageText, text)
	}
	write(t, other, websocket.MessageBinary, "")
	want(t, other, websocket.MessageBinary, "")
}

// command returns the first indented line of a README that begins with prefix.
func command(t *testing.T, language, prefix string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(language, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line, ok := strings.CutPrefix(line, "    "); ok && strings.HasPrefix(line, prefix) {
			return strings.TrimSpace(line)
		}
	}
	t.Fatalf("the README has no command %s", prefix)
	return ""
}

// run runs a build command in dir, with the compilers that `make tools` has installed or those of the system.
func run(t *testing.T, language, dir, command string) {
	t.Helper()
	tools, err := filepath.Abs("../build/tools")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tools, "zig", "ziglang") + ":" + os.Getenv("PATH")
	tool, _, _ := strings.Cut(command, " ")
	switch language {
	case "rust":
		if !hasWasmTarget("rustc") {
			if !hasWasmTarget("/usr/bin/rustc") {
				missing(t, "Rust's target wasm32-unknown-unknown")
			}
			path = "/usr/bin:" + path
		}
	case "assemblyscript":
		modules := filepath.Join(tools, "npm", "node_modules")
		if _, err := os.Stat(modules); err != nil {
			missing(t, "AssemblyScript (make tools)")
		}
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		command = strings.TrimPrefix(command, "npm install && ")
	case "zig":
		if _, err := os.Stat(filepath.Join(tools, "zig")); err != nil && lacks(tool) {
			missing(t, "zig (make tools)")
		}
	default:
		if lacks(tool) {
			missing(t, tool)
		}
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = buildEnvironment(path, tools)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, text)
	}
}

// buildEnvironment returns the environment of a build command. The command for Rust expects its module in the folder
// target, so CARGO_TARGET_DIR is not set.
func buildEnvironment(path, tools string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CARGO_TARGET_DIR=") })
	if os.Getenv("ZIG_GLOBAL_CACHE_DIR") == "" {
		env = append(env, "ZIG_GLOBAL_CACHE_DIR="+filepath.Join(tools, "..", "zig-cache"))
	}
	return append(env, "PATH="+path)
}

// hasWasmTarget returns whether a rustc has the standard library for wasm32-unknown-unknown.
func hasWasmTarget(rustc string) bool {
	dir, err := exec.Command(rustc, "--print", "target-libdir", "--target", "wasm32-unknown-unknown").Output()
	if err != nil {
		return false
	}
	_, err = os.Stat(strings.TrimSpace(string(dir)))
	return err == nil
}

// lacks returns whether a command is not installed.
func lacks(tool string) bool {
	_, err := exec.LookPath(tool)
	return err != nil
}

// missing skips a test because a tool is missing. In CI, where AZUHOST_GUESTS is set, the test fails.
func missing(t *testing.T, tool string) {
	t.Helper()
	if os.Getenv("AZUHOST_GUESTS") != "" {
		t.Fatalf("%s is missing", tool)
	}
	t.Skipf("%s is missing", tool)
}

// echo serves a plugin, and checks that it echoes messages. It copies the plugin to the folder of keepVariable, if set.
func echo(t *testing.T, file, language string) {
	t.Helper()
	c := serve(t, host.Route{Path: "/echo", Plugin: file, Allow: []abi.Capability{"send", "log"}})("/echo")
	for _, text := range []string{"", "hé", strings.Repeat("x", 64<<10)} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			write(t, c, kind, text)
			want(t, c, kind, text)
		}
	}
	if dir := os.Getenv(keepVariable); dir != "" {
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, language+".wasm"), data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// serve serves a route for the time of the test. dial connects a client to a path.
func serve(t *testing.T, r host.Route) (dial func(path string) *websocket.Conn) {
	t.Helper()
	r.Limits.Deadline = 10 * time.Second
	h, err := host.New(host.Options{Routes: []host.Route{r}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return func(path string) *websocket.Conn {
		t.Helper()
		c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		c.SetReadLimit(1 << 20)
		return c
	}
}

func write(t *testing.T, c *websocket.Conn, kind websocket.MessageType, text string) {
	t.Helper()
	if err := c.Write(t.Context(), kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// want reads a message and compares it.
func want(t *testing.T, c *websocket.Conn, kind websocket.MessageType, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	k, b, err := c.Read(ctx)
	if err != nil || k != kind || string(b) != text {
		t.Fatalf("got %d bytes as %v, %v; want %d as %v", len(b), k, err, len(text), kind)
	}
}
