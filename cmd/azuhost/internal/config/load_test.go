package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write writes a config file, and the plugins that it may name, to a new folder, and makes that the working folder.
func write(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, data := range map[string]string{"azuhost.yaml": text, "echo.wasm": "", "chat.wasm": ""} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// load loads a config file with the given text and variables.
func load(t *testing.T, text string, env ...string) (*Config, error) {
	t.Helper()
	write(t, text)
	return Load(Source{File: "azuhost.yaml", Env: env})
}

func mustLoad(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, err := load(t, text, env...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadReadsEveryKind(t *testing.T) {
	c := mustLoad(t, `
listen: "127.0.0.1:0"
log: {format: json}
watch: false
max_connections: 1_000
ping_interval: 1m30s
allowed_origins:
  - https://app.example.com
  - "*.example.com"
defaults:
  limits:
    max_message: 1MiB
    max_queue: 4096
routes:
  /echo:
    plugin: echo.wasm
  /rooms/:room_id:
    plugin: chat.wasm
    config:
      tokens: {secret-a: alice}
      list: [1, 2.5, true, null, "x"]
    instances: pool
    allowed_origins: []
    presence_grace: 0
    limits:
      max_queue: 2MB
`)
	if c.Listen != "127.0.0.1:0" || c.Log.Format != "json" || c.Watch || c.MaxConnections != 1000 {
		t.Errorf("top-level keys: %+v", c)
	}
	if time.Duration(c.PingInterval) != 90*time.Second {
		t.Errorf("ping_interval = %v", c.PingInterval)
	}
	if want := []string{"https://app.example.com", "*.example.com"}; !reflect.DeepEqual(c.AllowedOrigins, want) {
		t.Errorf("allowed_origins = %q", c.AllowedOrigins)
	}
	if len(c.Routes) != 2 {
		t.Fatalf("%d routes", len(c.Routes))
	}
	echo, rooms := c.Routes[0], c.Routes[1]
	if echo.Path != "/echo" || echo.Plugin != "echo.wasm" || echo.Instances != "single" || echo.AllowedOrigins != nil {
		t.Errorf("echo = %+v", echo)
	}
	if echo.Limits.MaxMessage != mib || echo.Limits.MaxQueue != 4096 || echo.Limits.Timers != 10_000 {
		t.Errorf("echo's limits = %+v", echo.Limits)
	}
	if rooms.Limits.MaxMessage != mib || rooms.Limits.MaxQueue != 2_000_000 {
		t.Errorf("rooms' limits = %+v", rooms.Limits)
	}
	if rooms.AllowedOrigins == nil || rooms.Instances != "pool" || rooms.PresenceGrace != 0 {
		t.Errorf("rooms = %+v", rooms)
	}
	want := map[string]any{
		"tokens": map[string]any{"secret-a": "alice"},
		"list":   []any{uint64(1), 2.5, true, nil, "x"},
	}
	if !reflect.DeepEqual(rooms.Config, want) {
		t.Errorf("config = %#v", rooms.Config)
	}
}

func TestOptionsTurnZeroIntoNone(t *testing.T) {
	o := mustLoad(t, `
max_connections_per_address: 0
ping_interval: 0
routes:
  /a: {plugin: echo.wasm, presence_grace: 0}
  /b: {plugin: echo.wasm}
`).Options()
	if o.MaxConnectionsPerAddress >= 0 || o.PingInterval >= 0 || o.Routes[0].PresenceGrace >= 0 {
		t.Errorf("none became %d, %v, %v", o.MaxConnectionsPerAddress, o.PingInterval, o.Routes[0].PresenceGrace)
	}
	if o.Routes[1].PresenceGrace != 15*time.Second {
		t.Errorf("presence_grace = %v", o.Routes[1].PresenceGrace)
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"conf/a.yaml": "cache_dir: cache\nstate_dir: state\nroutes: {/echo: {plugin: ../echo.wasm}}", "echo.wasm": "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(Source{File: "conf/a.yaml", Routes: []string{"/two=echo.wasm"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Routes[0].Plugin != "echo.wasm" || c.Routes[1].Plugin != "echo.wasm" ||
		c.CacheDir != "conf/cache" || c.StateDir != "conf/state" {
		t.Errorf("%q, %q, %q, %q", c.Routes[0].Plugin, c.Routes[1].Plugin, c.CacheDir, c.StateDir)
	}
}

// TestStateDir: by default each config file has its own folder, independent of the working folder.
func TestStateDir(t *testing.T) {
	t.Chdir(t.TempDir())
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	dir := func(file string, env ...string) string {
		t.Helper()
		if file != "" {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Load(Source{File: file, Env: env})
		if err != nil {
			t.Fatal(err)
		}
		return c.Options().StateDir
	}
	abs, err := filepath.Abs("a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a, b, none := dir("a.yaml"), dir("b.yaml"), dir("")
	if a == b || a == none || b == none || a != dir(abs) || filepath.Dir(a) != filepath.Join(state, "azuhost") {
		t.Errorf("%q, %q, %q", a, b, none)
	}
	if off := dir("", "AZUHOST_STATE_DIR="); off != "" {
		t.Errorf("off is %q", off)
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", state)
	if home := dir("a.yaml"); filepath.Dir(filepath.Dir(home)) != filepath.Join(state, ".local", "state") {
		t.Errorf("without XDG_STATE_HOME it is %q", home)
	}
}

func TestPrecedence(t *testing.T) {
	write(t, `
listen: ":1"
log: {level: warn, format: json}
defaults: {limits: {timers: 5}}
routes:
  /a: {plugin: echo.wasm}
  /b: {plugin: echo.wasm, limits: {timers: 6}}
`)
	c, err := Load(Source{
		File: "azuhost.yaml",
		Env: []string{
			"AZUHOST_LISTEN=:2", "AZUHOST_LOG_LEVEL=error", "AZUHOST_ALLOWED_HOSTS=a.example.com, b.example.com",
			"AZUHOST_DEFAULTS_LIMITS_TIMERS=7", "AZUHOST_CONFIG=azuhost.yaml", "HOME=/root",
		},
		Flags:  []Setting{{"listen", ":3"}},
		Routes: []string{"/a=chat.wasm", "/c=chat.wasm"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != ":3" || c.Log.Level != "error" || c.Log.Format != "json" {
		t.Errorf("listen %s, log %+v", c.Listen, c.Log)
	}
	if !reflect.DeepEqual(c.AllowedHosts, []string{"a.example.com", "b.example.com"}) {
		t.Errorf("allowed_hosts = %q", c.AllowedHosts)
	}
	for i, want := range []struct {
		path   string
		plugin Path
		timers int
	}{{"/a", "chat.wasm", 7}, {"/b", "echo.wasm", 6}, {"/c", "chat.wasm", 7}} {
		if r := c.Routes[i]; r.Path != want.path || r.Plugin != want.plugin || r.Limits.Timers != want.timers {
			t.Errorf("route %s: plugin %s, timers %d; want %+v", r.Path, r.Plugin, r.Limits.Timers, want)
		}
	}
}

// TestOtherDefaults: the file and the variables override Source.Defaults.
func TestOtherDefaults(t *testing.T) {
	write(t, "watch: false")
	for want, env := range map[string][]string{":7": nil, ":8": {"AZUHOST_LISTEN=:8"}} {
		c, err := Load(Source{Defaults: []Setting{{"listen", ":7"}, {"watch", "true"}}, File: "azuhost.yaml", Env: env})
		if err != nil || c.Listen != want || c.Watch {
			t.Errorf("listen %s, watch %v, %v; want %s", c.Listen, c.Watch, err, want)
		}
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	c := mustLoad(t, `
routes:
  /a: &a
    plugin: echo.wasm
    limits: &small {timers: 3}
  /b:
    <<: *a
    instances: pool
  /c: {plugin: chat.wasm, limits: *small}
`)
	b, cc := c.Routes[1], c.Routes[2]
	if b.Plugin != "echo.wasm" || b.Instances != "pool" || b.Limits.Timers != 3 || cc.Limits.Timers != 3 {
		t.Errorf("%+v, %+v", b, cc)
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	c := mustLoad(t, "", "AZUHOST_INTERNAL_TOKEN=hunter2")
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), masked) {
		t.Errorf("printed:\n%s", b.String())
	}
	if c.InternalToken != "hunter2" {
		t.Error("the token is lost")
	}
}

// TestSecretsAreTrimmed: white space around a secret is removed, as it is for secrets in files.
func TestSecretsAreTrimmed(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	for _, c := range []*Config{
		mustLoad(t, "", "AZUHOST_INTERNAL_TOKEN=\ts3cret \n", "AZUHOST_AUTH_SECRET="+secret+"\r\n"),
		mustLoad(t, "internal_token: |\n  s3cret\nauth: {secret: ' "+secret+" '}"),
	} {
		if o := c.Options(); c.InternalToken != "s3cret" || o.Auth.Secret != secret {
			t.Errorf("%q, %q", c.InternalToken, o.Auth.Secret)
		}
	}
}

// TestEmptyListsOfAuth: empty lists and variables do not enable auth.
func TestEmptyListsOfAuth(t *testing.T) {
	c := mustLoad(t, "auth: {algorithms: []}", "AZUHOST_AUTH_AUDIENCE=", "AZUHOST_AUTH_ISSUER=")
	if a := c.Options().Auth; a != nil {
		t.Errorf("auth is enabled: %+v", a)
	}
}

// TestURLOfKeysIsMasked: the parts of jwks_url that may be secret are not printed.
func TestURLOfKeysIsMasked(t *testing.T) {
	const auth = "auth: {issuer: me, audience: [you], jwks_url: %q}"
	for url, want := range map[string]string{
		"https://me:hunter2@login.example/keys?key=hunter2#hunter2": "https://(set)@login.example/keys?(set)",
		"https://login.example/keys":                                "https://login.example/keys",
		"https://login.example/%ff?":                                "https://login.example/%ff",
	} {
		c := mustLoad(t, fmt.Sprintf(auth, url))
		var b strings.Builder
		if err := c.Print(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "jwks_url: "+want+"\n") {
			t.Errorf("%s: printed:\n%s", url, b.String())
		}
	}
	c, err := load(t, fmt.Sprintf(auth, "https://me:hunter2@a b/%"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	var b strings.Builder
	if err := c.Print(&b); err != nil || strings.Contains(b.String(), "hunter2") {
		t.Errorf("%v, printed:\n%s", err, b.String())
	}
}

func TestPrintIsAConfigFile(t *testing.T) {
	c := mustLoad(t, `
listen: :9
allowed_origins: ["*"]
routes:
  /rooms/:room: {plugin: echo.wasm, config: {a: [1], "on": "true"}, limits: {deadline: 1m}, allowed_origins: []}
  /b: {plugin: echo.wasm, subprotocols: [v1, v2]}
`)
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	again := mustLoad(t, b.String())
	c.origin, again.origin = nil, nil
	if !reflect.DeepEqual(c, again) {
		t.Errorf("printed:\n%s\nread: %+v\nwant: %+v", b.String(), again, c)
	}
}
