package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
)

// echoConfig is the source of a plugin that does not load without a config, and answers with a word from it.
const echoConfig = `let word;
export function onLoad(config) {
  if (!config?.word) throw new Error("no word in the config");
  word = config.word;
}
export function onMessage(conn, message) { conn.send(word); }
`

// TestDevConfig: a plugin that is built is served at the routes of the project's config file. A change of the file
// applies. A route whose plugin does not exist is left out.
func TestDevConfig(t *testing.T) {
	quickJS, err := scripttest.Runtime()
	if err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(t.TempDir(), "game")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "azuhost.yaml")
	routes := `routes:
  /play/:id:
    plugin: game.wasm
    config: { word: WORD }
  /other:
    plugin: other.wasm
`
	edit(t, filepath.Join(dir, "game.js"), echoConfig)
	edit(t, file, strings.Replace(routes, "WORD", "hello", 1))
	out, address := startDev(t, []string{"AZUHOST_JS_RUNTIME=" + quickJS}, dir)
	if got := dialDev(t, address, "play/1")("?"); got != "hello" {
		t.Errorf("got %q", got)
	}
	for _, want := range []string{
		"game: served at /play/:id, a route of " + file,
		"route /other is not served: " + filepath.Join(dir, "other.wasm") + " does not exist",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	events := follow(t, "http://"+address+"/playground/events")
	edit(t, file, strings.Replace(routes, "WORD", "bye", 1))
	events.waitFor("configuration reloaded")
	if got := dialDev(t, address, "play/1")("?"); got != "bye" {
		t.Errorf("after a change of the config: %q", got)
	}
}

// TestDevStartFails: after a first version that does not load, a change of the sources starts the server.
func TestDevStartFails(t *testing.T) {
	quickJS, err := scripttest.Runtime()
	if err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "shout.js")
	edit(t, file, echoConfig)
	out, waitFor := runDev(t, []string{"AZUHOST_JS_RUNTIME=" + quickJS}, file)
	waitFor(`shout: does not start, waiting for a change of the sources: ` +
		`.*Error: no word in the config\n +at onLoad \(shout.js:3`)
	if strings.Contains(out.String(), `\x0a`) {
		t.Errorf("line breaks are escaped:\n%s", out)
	}
	edit(t, file, strings.Replace(echoConfig, "!config?.word", "false", 1)+"// repaired")
	waitFor(`listening \(address=(\S+)`)
}

// TestDevRoutes compares the routes at which projects are served, with and without routes of a config file.
func TestDevRoutes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, f := range []string{"a/main.ts", "b/src/main.ts", "b/src/chat.ts", "game/game.ts"} {
		if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
			t.Fatal(err)
		}
		edit(t, f, "")
	}
	for _, c := range []struct {
		args   []string
		routes []config.Route
		want   []string // paths, or the error
	}{
		{args: []string{"a/main.ts", "b/src/main.ts", "b/src/chat.ts", "game"},
			want: []string{"/a", "/b", "/chat", "/game"}},
		{args: []string{"a/main.ts", "a"},
			want: []string{"a/main.ts and a are both served at /a: " +
				"put another pattern in front of one, as in /other=a"}},
		{args: []string{"/x=a", "/x=game"},
			want: []string{"a and game are both served at /x: " +
				"put another pattern in front of one, as in /other=game"}},
		{args: []string{"/x=a/main.ts", "a"}, want: []string{"/x", "/a"}},
		{args: []string{"game", "a"},
			routes: []config.Route{
				{Path: "/one", Plugin: "game/game.wasm"},
				{Path: "/two", Plugin: "game/game.wasm"},
				{Path: "/3", Plugin: "other.wasm"},
			},
			want: []string{"/one", "/two", "/a"}},
		{args: []string{"game/game.ts"},
			routes: []config.Route{{Path: "/one", Plugin: "game/game.wasm"}}, want: []string{"/one"}},
		{args: []string{"b/src/main.ts"},
			routes: []config.Route{{Path: "/one", Plugin: "b/b.wasm"}}, want: []string{"/one"}},
		{args: []string{"/x=game"},
			routes: []config.Route{{Path: "/one", Plugin: "game/game.wasm"}}, want: []string{"/one", "/x"}},
	} {
		d := &devSession{}
		if err := d.addProjects(c.args, "out", ""); err != nil {
			t.Error(err)
			continue
		}
		routes, err := d.routes(&config.Config{Routes: c.routes})
		var got []string
		for _, r := range routes {
			got = append(got, r.path)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
}

// TestDevEndsWhileItBuilds: an interrupted build does not cause another build.
func TestDevEndsWhileItBuilds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shout.js")
	edit(t, file, echoConfig)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if code := run(ctx, []string{"dev", file}, strings.NewReader(""), &bytes.Buffer{}, &out, nil); code != exitOK {
		t.Errorf("it ended with %d:\n%s", code, out.String())
	}
}
