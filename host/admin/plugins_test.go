package admin

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// writePlugin replaces a file by a plugin that has the version n.
func writePlugin(t *testing.T, file string, n int) {
	t.Helper()
	b, err := os.ReadFile("../../testplugins/host_script.wasm")
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte("version-1"), fmt.Appendf(nil, "version-%d", n), 1)
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func TestPlugins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.wasm")
	writePlugin(t, file, 1)
	inGo := scriptRoute(nil)
	inGo.Path = "/go"
	h, _ := newHost(t, host.Route{Path: "/c", Plugin: file, Limits: host.Limits{Deadline: hookDeadline}}, inGo)
	c := newClient(t, newServer(t, h, Options{}))
	v1 := h.Routes()[0].Version
	route := `{"route": "/c"}`
	unchanged := fmt.Sprintf(`{"route": "/c", "version": %q, "was": %q, "changed": false}`, v1, v1)
	equalJSON(t, "unchanged", c.post("plugins/load", route), unchanged)
	c.want(409, "no_version", "POST", "plugins/rollback", route)
	writePlugin(t, file, 2)
	if a := c.post("plugins/load", route); a["was"] != v1 || a["changed"] != true {
		t.Errorf("changed: %v", a)
	}
	if err := os.WriteFile(file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.want(422, "not_loaded", "POST", "plugins/load", route)
	results := items(c.post("plugins/reload", `{}`))
	if len(results) != 1 || object(results[0], "error")["code"] != "not_loaded" {
		t.Errorf("reload: %v", results)
	}
	writePlugin(t, file, 2)
	results = items(c.post("plugins/reload", `{}`))
	if len(results) != 1 || object(results[0], "change")["changed"] != false {
		t.Errorf("reload: %v", results)
	}
	if a := c.post("plugins/lift", route); a["path"] != "/c" || a["state"] != "serving" {
		t.Errorf("lift: %v", a)
	}
	for _, op := range []string{"load", "rollback"} {
		c.want(409, "no_version", "POST", "plugins/"+op, `{"route": "/go"}`)
	}
	for _, op := range []string{"load", "rollback", "lift"} {
		c.want(404, "unknown_route", "POST", "plugins/"+op, `{"route": "/x"}`)
		c.want(400, "invalid_request", "POST", "plugins/"+op, `{"route": "/c", "file": "/etc/passwd"}`)
	}
	closeHost(t, h)
	c.want(503, "unavailable", "POST", "plugins/load", route)
	c.want(503, "unavailable", "POST", "publish", `{"route": "/c", "all": true, "text": "x"}`)
}
