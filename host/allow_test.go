package host_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
)

// TestAllow checks that a plugin may use the capabilities of its route, and that New refuses one that needs others.
func TestAllow(t *testing.T) {
	r := host.Route{Path: "/c", Plugin: "../testplugins/echo.wasm", Allow: []host.Capability{"send"}}
	_, url := serve(t, host.Options{Routes: []host.Route{r}})
	do(t, dial(t, url+"/c"), "x", "x")

	r.Allow = []host.Capability{"rooms", "store"}
	_, err := host.New(host.Options{Routes: []host.Route{r}})
	if err == nil || !strings.Contains(err.Error(), "azu.send") || !strings.Contains(err.Error(), "add send to allow") {
		t.Errorf("a plugin that needs the capability send: %v", err)
	}
	r.Allow = []host.Capability{"sned"}
	_, err = host.New(host.Options{Routes: []host.Route{r}})
	if err == nil || !strings.Contains(err.Error(), `no capability "sned"`) {
		t.Errorf("an unknown capability: %v", err)
	}
}

// TestAllowOptional checks that host functions of an optional capability that is not allowed return PERM, and that open
// connections may use the capability after a reload that allows it.
func TestAllowOptional(t *testing.T) {
	wasm, err := os.ReadFile("../testplugins/echo.wasm")
	if err != nil {
		t.Fatal(err)
	}
	body := "\x07azuhost" + `{"optional":["send"]}`
	file := filepath.Join(t.TempDir(), "optional.wasm")
	if err := os.WriteFile(file, append(wasm, "\x00"+string(rune(len(body)))+body...), 0o600); err != nil {
		t.Fatal(err)
	}
	o := host.Options{Routes: []host.Route{{Path: "/c", Plugin: file, Allow: []host.Capability{}}}}
	h, url := serve(t, o)
	c := dial(t, url+"/c")
	if err := c.Write(context.Background(), websocket.MessageText, []byte("x")); err != nil {
		t.Fatal(err)
	}
	readUntil(t, c, "INTERNAL_ERROR") // the plugin returns the PERM of send as its error
	o.Routes[0].Allow = nil
	if err := h.Reload(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	do(t, c, "y", "y")
}
