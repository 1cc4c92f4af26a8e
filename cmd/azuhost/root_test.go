package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/client"
	"github.com/azuhost/azuhost/host"
)

// call runs azuhost in an empty folder and returns its results.
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
		{"serve --route /x", exitUsage},
		{"serve --watch false", exitUsage},
		{"inspect", exitUsage},
		{"token", exitUsage},
		{"token new-key", exitUsage},
		{"token --sub a", exitFailure},
		{"token verify x", exitFailure},
		{"inspect a b", exitUsage},
		{"inspect --allow teleport none.wasm", exitUsage},
		{"token new-key rsa k", exitUsage},
		{"help", exitOK},
		{"help token new-key", exitOK},
		{"help nonsense", exitUsage},
		{"help token nonsense", exitUsage},
		{"publish --all --timeout 0 x", exitUsage},
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

// TestTokenOfTheEnvironment: a newline after the token does not matter. A token that a header cannot carry is refused
// before a request is sent.
func TestTokenOfTheEnvironment(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"online": %t}`, r.Header.Get("Authorization") == "Bearer s3cret")
	}))
	defer s.Close()
	for _, c := range []struct {
		token          string
		code           int
		stdout, stderr string
	}{
		{"s3cret\r\n", exitOK, "online\n", ""},
		{"s3\ncret", exitFailure, "", "$AZUHOST_INTERNAL_TOKEN has a control character"},
	} {
		code, stdout, stderr := call(t, []string{envToken + "=" + c.token, envAPI + "=" + s.URL}, "online", "/c", "ann")
		if code != c.code || stdout != c.stdout || !strings.Contains(stderr, c.stderr) || strings.Contains(stderr, "cret") {
			t.Errorf("%q: %d, %q, %q", c.token, code, stdout, stderr)
		}
	}
}

// TestTimeRunsOut: an azuhost that answers too late has another error than one that does not run.
func TestTimeRunsOut(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	code, _, stderr := call(t, nil, "online", "/c", "ann", "--api", s.URL, "--timeout", "100ms")
	if code != exitFailure || !strings.Contains(stderr, s.URL+" did not answer in time") {
		t.Errorf("%d, %s", code, stderr)
	}
}

// TestPartOfAPublication: the error of a publication says where it was delivered before it failed.
func TestPartOfAPublication(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(403)
		fmt.Fprint(w, `{"status": 403, "code": "key_spent", "detail": "not for bob",
			"delivery": {"sockets": 2, "nodes": 1, "partial": true}}`)
	}))
	defer s.Close()
	args := []string{"publish", "--api", s.URL, "--user", "ann", "--user", "bob", "x"}
	want := "azuhost: not for bob\n" +
		"before that, it was delivered to 2 connections on 1 node, and perhaps more: not all nodes have answered\n"
	code, stdout, stderr := call(t, nil, args...)
	if code != exitFailure || stdout != "" || stderr != want {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, nil, append(args, "--json")...)
	var p client.Problem
	if err := json.Unmarshal([]byte(stdout), &p); err != nil || code != exitFailure || stderr != want {
		t.Errorf("%d, %q, %q: %v", code, stdout, stderr, err)
	}
	if p.Status != 403 || p.Code != "key_spent" || p.Detail != "not for bob" {
		t.Errorf("%+v", p)
	}
	if p.Delivery == nil || *p.Delivery != (host.Delivery{Sockets: 2, Nodes: 1, Partial: true}) {
		t.Errorf("delivery %+v", p.Delivery)
	}
}

// TestValueWithoutEquals: the error for a value after a bool flag and a space says how to write it.
func TestValueWithoutEquals(t *testing.T) {
	for args, want := range map[string]string{
		"serve --watch false":            `azuhost: unexpected argument "false": write --watch=false to set the flag`,
		"check --playground true":        "--playground=true",
		"serve --listen :1 false":        `unknown command "false" for "azuhost serve"`,
		"serve --watch extra":            `unknown command "extra" for "azuhost serve"`,
		"serve --route /x":               `"/x" must be PATH=PLUGIN, as in /echo=echo.wasm`,
		"health --internal foo":          `--internal: internal: "foo" is not an address`,
		"serve --route /a=b -r =b.wasm ": "must be PATH=PLUGIN",
	} {
		_, _, stderr := call(t, nil, strings.Fields(args)...)
		if !strings.Contains(stderr, want) || strings.Contains(stderr, "loopback") {
			t.Errorf("%s: stderr %q, want %q", args, stderr, want)
		}
	}
}

// TestServeEndsWithItsContext: serve shuts down when its context is done, without a signal. TestMain finds goroutines
// that it leaves running.
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

// trigger is a buffer that calls fire when text is written to it.
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
