package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// call runs azuhost in an empty folder.
func call(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs, env)
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		want int
	}{
		{"", exitOK},
		{"--help", exitOK},
		{"version", exitOK},
		{"serve --help", exitOK},
		{"nonsense", exitUsage},
		{"serve --nonsense", exitUsage},
		{"serve extra", exitUsage},
		{"serve", exitUsage},
		{"check", exitUsage},
		{"serve --log-level loud", exitUsage},
		{"inspect", exitUsage},
		{"token", exitUsage},
		{"token new-key", exitUsage},
		{"token --sub a", exitFailure},
		{"token verify x", exitFailure},
		{"inspect a b", exitUsage},
		{"publish --all --route= x", exitUsage},
		{"kick --user a --code 0", exitUsage},
		{"inspect none.wasm", exitFailure},
		{"serve --config none.yaml", exitFailure},
		{"check --config none.yaml", exitFailure},
		{"serve --route /a=none.wasm", exitFailure},
		{"check --route /a=none.wasm", exitFailure},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := call(t, nil, strings.Fields(c.args)...)
			if code != c.want {
				t.Errorf("exit code %d, want %d", code, c.want)
			}
			if (code == exitOK) != (stderr == "") {
				t.Errorf("stderr %q", stderr)
			}
			if code == exitUsage && !strings.Contains(stderr, "--help' for usage.") {
				t.Errorf("no hint at the help: %q", stderr)
			}
			if code != exitOK && c.args[:2] != "ch" && stdout != "" {
				t.Errorf("stdout %q", stdout)
			}
		})
	}
}

// TestServeEndsWithItsContext: an embedding program can end serve without a
// signal, and nothing stays behind (TestMain looks for goroutines).
func TestServeEndsWithItsContext(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if err := os.WriteFile("azuhost.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	log := &trigger{text: "msg=listening", fire: cancel}
	code := run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"},
		strings.NewReader(""), &bytes.Buffer{}, log, nil)
	if code != exitOK || !strings.Contains(log.String(), "msg=closed") {
		t.Errorf("exit code %d:\n%s", code, log)
	}
}

// trigger calls fire when text is written.
type trigger struct {
	bytes.Buffer
	text string
	fire func()
}

func (t *trigger) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(t.text)) {
		t.fire()
	}
	return t.Buffer.Write(p)
}
