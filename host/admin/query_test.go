package admin

import (
	"net/url"
	"testing"
)

func TestQueries(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	dialScript(t, ws, "identify ann;join a;join b")
	dialScript(t, ws, "join b")
	dialScript(t, ws, "identify zoe;join c")
	for path, want := range map[string]string{
		"rooms?route=/c&limit=2": `{
			"items": [{"name": "a", "sockets": 1, "users": 1}, {"name": "b", "sockets": 2, "users": 1}],
			"next": "b"
		}`,
		"rooms?route=/c&limit=2&after=b": `{"items": [{"name": "c", "sockets": 1, "users": 1}]}`,
		"rooms?route=/c&after=c":         `{"items": []}`,
		"room?route=/c&room=b":           `{"name": "b", "sockets": 2, "users": 1}`,
		"presence?route=/c&limit=1":      `{"items": ["ann"], "next": "ann"}`,
		"presence?route=/c&after=ann":    `{"items": ["zoe"]}`,
		"presence?route=/c&room=c":       `{"items": ["zoe"]}`,
		"online?route=/c&user=zoe":       `{"online": true}`,
		"online?route=/c&user=eve":       `{"online": false}`,
	} {
		equalJSON(t, path, c.get(path), want)
	}
	members := items(c.get("members?route=/c&room=b"))
	first := c.get("connections?limit=2")
	next, _ := first["next"].(string)
	if len(members) != 2 || len(items(first)) != 2 || next == "" {
		t.Errorf("members %v, connections %v", members, first)
	}
	last := c.get("connections?limit=2&after=" + url.QueryEscape(next))
	if len(items(last)) != 1 || last["next"] != nil {
		t.Errorf("the last page: %v", last)
	}
	routes := items(c.get("routes"))
	if len(routes) != 2 {
		t.Fatalf("routes: %v", routes)
	}
	connections, running := routes[0].(map[string]any)["connections"], routes[1].(map[string]any)["running"]
	if connections != 3.0 || running != 1.0 {
		t.Errorf("routes: %v", routes)
	}
	node := c.get("node")
	if node["node"] != "n1" || node["connections"] != 3.0 || node["routes"] != 2.0 {
		t.Errorf("node: %v", node)
	}
}

func TestInvalidQueries(t *testing.T) {
	_, _, c := newAPI(t, Options{})
	for _, path := range []string{
		"rooms", "rooms?route=", "rooms?route=/c&limit=0", "rooms?route=/c&limit=1001", "rooms?route=/c&limit=x",
		"rooms?route=/c&limit=%2B1", "rooms?route=/c&limit=", "rooms?route=/c&after=", "rooms?route=/c&x=1",
		"rooms?route=/c&route=/c", "rooms?route=%zz", "room?route=/c", "room?route=/c&room=%0a", "members?route=/c",
		"members?route=/c&room=b&after=x", "presence?route=/c&room=", "online?route=/c", "connections?route=",
		"connections?after=n1", "routes?x=1", "node?x=1",
	} {
		if status, answer := c.send("GET", path, ""); status != 400 && status != 404 || answer["code"] == "internal" {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
	for _, path := range []string{
		"rooms?route=/x", "room?route=/x&room=a", "members?route=/x&room=a", "presence?route=/x", "online?route=/x&user=a",
		"connections?route=/x",
	} {
		c.want(404, "unknown_route", "GET", path, "")
	}
}
