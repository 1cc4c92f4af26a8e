package main

import (
	"slices"
	"strings"
	"testing"
)

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, to, want string // part of the reason; "" where the import is allowed
	}{
		{"host", "host/internal/hub", ""},
		{"cmd/azuhost", "host", ""},
		{"cmd/azuhost", "cmd/azuhost/internal/config", ""},
		{"cmd/azuhost", "host/scenario", ""},
		{"host/internal/plugin", "host/abi", ""},
		{"plugins/chat", "plugins/internal/protocol", ""},
		{"plugins/chat", "sdk/go/json", ""},
		{"host/internal/hub", "host", "points up"},
		{"host/abi", "host/internal/plugin", "points up"},
		{"host/internal/plugin", "host/internal/socket", "both are on floor"},
		{"host/internal/socket", "host/internal/hub", "do not know each other"},
		{"host/internal/hub", "host/internal/socket", "do not know each other"},
		{"host", "sdk/go", "do not know each other"},
		{"plugins/chat", "host/abi", "do not know each other"},
		{"sdk/go", "internal/wasm", "points up"},
		{"host", "host/internal/redistest", "for tests only"},
	} {
		got := forbidden(c.from, c.to)
		if got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: got %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// TestCheck: a package that no floor names is reported with the place to add it,
// and so is a name of a floor without a package.
func TestCheck(t *testing.T) {
	g := graph{"host/internal/new": nil}
	for _, f := range floors {
		for _, p := range f.packages {
			g[strings.TrimSuffix(p.path, "/...")] = nil
		}
	}
	want := []string{"host/internal/new is on no floor: add it to floors, in internal/importgraph/floors.go"}
	if got := check(g); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	delete(g, "host/internal/new")
	delete(g, "host/abi")
	if got := check(g); len(got) != 1 || !strings.HasPrefix(got[0], "there is no package host/abi") {
		t.Errorf("got %q", got)
	}
}
