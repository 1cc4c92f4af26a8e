// Package js tests the JavaScript client against azuhost, in Node.js and in a
// browser. The client itself is in src.
package js

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// maxScript is the largest size of azuhost.min.js after gzip, in bytes: 5.75 KiB.
const maxScript = 5888

// TestNode runs the tests in test, which start azuhost.
func TestNode(t *testing.T) {
	needNode(t)
	bin, plugins := build(t, "rooms", "chat")
	cmd := exec.Command("node", append([]string{"--test"}, scripts(t)...)...)
	cmd.Env = append(os.Environ(), "AZUHOST="+bin, "AZUHOST_PLUGINS="+plugins)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("# skipped 0")) {
		t.Errorf("some tests were skipped:\n%s", out)
	}
}

// scripts returns the files with tests for Node.js.
func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("test/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	return files
}

// TestDist checks that src makes dist, and the size of azuhost.min.js.
func TestDist(t *testing.T) {
	script, err := os.ReadFile("dist/azuhost.min.js")
	if err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
	_, _ = w.Write(script)
	_ = w.Close()
	t.Logf("azuhost.min.js: %d bytes, %d compressed", len(script), z.Len())
	if z.Len() > maxScript {
		t.Errorf("azuhost.min.js has %d bytes when compressed, want at most %d", z.Len(), maxScript)
	}

	needNode(t)
	fresh := t.TempDir()
	if out, err := exec.Command("node", "build.js", fresh).CombinedOutput(); err != nil {
		t.Fatalf("node build.js: %v\n%s", err, out)
	}
	want, got := contents(t, fresh), contents(t, "dist")
	for name, text := range want {
		if got[name] != text {
			t.Errorf("dist/%s differs from what src makes: run make client", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("dist/%s is not made from src: run make client", name)
		}
	}
}

// TestTypes checks the types of dist with the TypeScript compiler.
func TestTypes(t *testing.T) {
	needNode(t)
	if out, err := exec.Command("node", "node_modules/typescript/bin/tsc", "-p", "test").CombinedOutput(); err != nil {
		t.Fatalf("tsc: %v\n%s", err, out)
	}
}

// contents returns the files of a folder by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(b)
	}
	return all
}

// needNode skips the test if Node.js or an npm package is missing.
func needNode(t *testing.T) {
	t.Helper()
	out, err := exec.Command("node", "--print", "parseInt(process.versions.node)").Output()
	if version, _ := strconv.Atoi(strings.TrimSpace(string(out))); err != nil || version < 20 {
		t.Skip("no Node.js 20 or later: install Node.js and npm to run this test")
	}
	if _, err := os.Stat("node_modules/.package-lock.json"); err != nil {
		t.Skip("npm packages are missing: run make client-deps, which needs npm")
	}
}

// build builds azuhost and some of the ready-made plugins. It returns the binary
// and the folder of the plugins.
func build(t *testing.T, names ...string) (bin, plugins string) {
	t.Helper()
	plugins = t.TempDir()
	bin = filepath.Join(plugins, "azuhost")
	goBuild(t, nil, "-o", bin, "../../cmd/azuhost")
	for _, name := range names {
		out := filepath.Join(plugins, name+".wasm")
		goBuild(t, []string{"GOOS=wasip1", "GOARCH=wasm"}, "-buildmode=c-shared", "-o", out, "../../plugins/"+name)
	}
	return bin, plugins
}

// goBuild runs go build.
func goBuild(t *testing.T, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
