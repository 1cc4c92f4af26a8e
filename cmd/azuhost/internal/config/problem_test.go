package config

import (
	"errors"
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name, file string
		env        []string
		want       []string // the lines, in order
	}{
		{name: "unknown key", file: "listen: :1\n\nallowed_origns: []",
			want: []string{`azuhost.yaml:3: unknown key "allowed_origns": did you mean "allowed_origins"?`}},
		{name: "key at the wrong place", file: "level: debug",
			want: []string{`azuhost.yaml:1: unknown key "level": did you mean "log.level"?`}},
		{name: "key like no other", file: "log: {xyzzy: 1}",
			want: []string{`azuhost.yaml:1: unknown key "xyzzy": the keys here are format, level`}},
		{name: "unknown key of a route", file: "routes:\n  /a:\n    plugin: echo.wasm\n    metring: off",
			want: []string{`azuhost.yaml:4: route /a: unknown key "metring": did you mean "metering"?`}},
		{name: "all at once, in order", file: `
routes:
  /a: {plugin: nowhere.wasm}
  b: {}
ping_interval: 25
defaults:
  limits: {max_message: 64kb, deadline: soon, timers: 0, memory: 1KiB}
  instances: pol
log: [json]
playground: yes
max_connections: -3
allowed_hosts: a.example.com
listen: 4000
internal: 0.0.0.0:4001
tls: {cert: cert.pem}
trusted_proxies: [10.0.0.0/8, 127.0.0.1, example.com]
`, want: []string{
			`azuhost.yaml:3: route /a: plugin: nowhere.wasm does not exist`,
			`azuhost.yaml:4: route b: a path must begin with /`,
			`azuhost.yaml:4: route b: no plugin: set plugin to the path of a .wasm file`,
			`azuhost.yaml:5: ping_interval: "25" has no unit: write it as in "25ms" or "25s"`,
			`azuhost.yaml:7: max_message: "64kb" is not a size: write bytes, or a unit as in "64KiB" or "1MiB"`,
			`azuhost.yaml:7: deadline: "soon" is not a duration: write it as in "50ms", "25s" or "1m30s"`,
			`azuhost.yaml:7: timers: 0 is too small: it must be more than 0`,
			`azuhost.yaml:7: memory: 1KiB is too small: it must be at least 64KiB`,
			`azuhost.yaml:8: instances: "pol" is not one of single, pool: did you mean "pool"?`,
			`azuhost.yaml:9: log must be a mapping of keys to values`,
			`azuhost.yaml:10: playground: "yes" is neither true nor false`,
			`azuhost.yaml:11: max_connections: -3 is too small: it must be more than 0`,
			`azuhost.yaml:12: allowed_hosts: must be a list, as in [a, b]`,
			`azuhost.yaml:13: listen: "4000" is not an address: write host:port or :port, as in ":4000"`,
			`azuhost.yaml:14: internal: 0.0.0.0:4001 is not a loopback address: ` +
				`set internal_token (AZUHOST_INTERNAL_TOKEN), which /api and /metrics then need`,
			`azuhost.yaml:15: tls: cert and key belong together: set both or neither`,
			`azuhost.yaml:15: tls.cert: cert.pem does not exist`,
			`azuhost.yaml:16: trusted_proxies: "example.com" is neither a network, as in "10.0.0.0/8", nor an address`,
		}},
		{name: "environment", env: []string{"AZUHOST_LISTN=:1", "AZUHOST_WATCH=maybe", "AZUHOST_Q=1"},
			want: []string{
				`AZUHOST_LISTN: unknown variable: did you mean AZUHOST_LISTEN?`,
				`AZUHOST_Q: unknown variable`,
				`AZUHOST_WATCH: "maybe" is neither true nor false`,
			}},
		{name: "entries that never match", file: `
allowed_hosts: ["https://chat.example.com:443"]
allowed_origins: ["*.example.com", "https://slash.com/"]
defaults: {allowed_origins: ["wss://app.example.com"]}
routes:
  /a: {plugin: echo.wasm}
  /b:
    plugin: echo.wasm
    allowed_origins: ["https://app.example.com/"]
`, env: []string{"AZUHOST_TRUSTED_PROXIES=::ffff:10.0.0.0/104,::ffff:10.0.0.0/8"}, want: []string{
			`azuhost.yaml:2: allowed_hosts: "https://chat.example.com:443" is more than the name of a host: ` +
				`write "chat.example.com"`,
			`azuhost.yaml:3: allowed_origins: "https://slash.com/" is not what a browser sends: write "https://slash.com"`,
			`azuhost.yaml:4: route /a: allowed_origins: "wss://app.example.com" is not what a browser sends: ` +
				`write "https://app.example.com"`,
			`azuhost.yaml:9: route /b: allowed_origins: "https://app.example.com/" is not what a browser sends: ` +
				`write "https://app.example.com"`,
			`AZUHOST_TRUSTED_PROXIES: trusted_proxies: "::ffff:10.0.0.0/8" is larger than IPv4 is in IPv6: ` +
				`write 0.0.0.0/0 for all of IPv4`,
		}},
		{name: "addresses", file: "listen: foo\ninternal: foo", want: []string{
			`azuhost.yaml:1: listen: "foo" is not an address: write host:port or :port, as in ":4000"`,
			`azuhost.yaml:2: internal: "foo" is not an address: write host:port or :port, as in ":4000"`,
		}},
		{name: "auth of an empty variable",
			file: "routes: {/a: {plugin: echo.wasm, auth: required}}", env: []string{"AZUHOST_AUTH_AUDIENCE="},
			want: []string{`azuhost.yaml:1: route /a: auth: required needs a top-level block auth, ` +
				`with the keys that verify tokens`}},
		{name: "blank secrets", file: "\nauth: {secret: '  '}", env: []string{"AZUHOST_INTERNAL_TOKEN= \n"},
			want: []string{
				`azuhost.yaml:2: secret: it has only white space: write the secret, or remove the key`,
				`AZUHOST_INTERNAL_TOKEN: it has only white space: write the secret, or remove the key`,
			}},
		{name: "token that nobody can send", file: `internal_token: "s3\tcret"`,
			want: []string{`azuhost.yaml:1: internal_token: the token has control characters, ` +
				`which a header cannot carry: make another, for example with openssl rand -hex 32`}},
		{name: "YAML", file: "listen: [\n",
			want: []string{`azuhost.yaml:1: not valid YAML: sequence end token ']' not found`}},
		{name: "tag", file: "listen: !!str 1", want: []string{`azuhost.yaml:1: tags such as !!str are not supported`}},
		{name: "alias", file: "log: *x", want: []string{`azuhost.yaml:1: alias *x has no anchor &x`}},
		{name: "alias of itself", file: "routes: &a\n  /a: *a", want: nil},
		{name: "two documents", file: "listen: :1\n---\nlisten: :2",
			want: []string{`azuhost.yaml:3: a second YAML document: put all keys in one`}},
		{name: "not JSON", file: "defaults: {config: {x: .nan}}",
			want: []string{`azuhost.yaml:1: config: the plugin receives it as JSON, which has no .nan`}},
		{name: "same address twice", file: "internal: 127.0.0.1:1\nlisten: 127.0.0.1:1",
			want: []string{`azuhost.yaml:1: internal: 127.0.0.1:1 is also the address of listen: choose another port`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.file, c.env...)
			var probs Problems
			if !errors.As(err, &probs) {
				t.Fatalf("error %v", err)
			}
			if c.want == nil {
				return
			}
			if got := err.Error(); got != strings.Join(c.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestRouteFlagProblems(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load(Source{Routes: []string{"/echo", "/a=no.wasm"}})
	want := "--route: \"/echo\" must be PATH=PLUGIN, as in /echo=echo.wasm\n" +
		"--route: route /a: plugin: no.wasm does not exist"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMissingFile(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load(Source{File: "no.yaml"})
	if err == nil || err.Error() != "config file: no.yaml does not exist" {
		t.Errorf("got %v", err)
	}
}

func TestProblemsHaveTheirRoute(t *testing.T) {
	_, err := load(t, "routes:\n  /a: {plugin: no.wasm}\n  /b: {plugin: echo.wasm}")
	var probs Problems
	if !errors.As(err, &probs) || !probs.HasRoute("/a") || probs.HasRoute("/b") {
		t.Errorf("problems %v", probs)
	}
}

func TestAliasesOfAliasesStayBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("defaults:\n  config:\n    a0: &a0 [1, 2]\n")
	for i := 1; i < 40; i++ {
		p, n := string(rune('0'+(i-1)/10))+string(rune('0'+(i-1)%10)), string(rune('0'+i/10))+string(rune('0'+i%10))
		if i == 1 {
			b.WriteString("    a1: &b01 [*a0, *a0]\n")
			continue
		}
		b.WriteString("    x" + n + ": &b" + n + " [*b" + p + ", *b" + p + "]\n")
	}
	_, err := load(t, b.String())
	if err == nil || !strings.Contains(err.Error(), "too many values") {
		t.Errorf("got %v", err)
	}
}

func TestRestartKeys(t *testing.T) {
	a, b := Default(), Default()
	b.Log.Level, b.Playground, b.Routes = "debug", true, []Route{{Path: "/x"}}
	if names := a.RestartKeys(b); len(names) != 0 {
		t.Errorf("restart for %q", names)
	}
	b.Listen, b.Log.Format, b.TLS.Cert = ":1", "json", "c"
	if names := strings.Join(a.RestartKeys(b), " "); names != "listen log.format tls" {
		t.Errorf("restart for %q", names)
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "127.9.9.9:0": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "example.com:1": false, "nonsense": false,
	} {
		if IsLoopback(addr) != want {
			t.Errorf("IsLoopback(%q) = %v", addr, !want)
		}
	}
}
