package host_test

import (
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestLivezAndReadyz checks that a host that is closed is alive and not ready.
func TestLivezAndReadyz(t *testing.T) {
	h, _ := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Plugin: scriptGuest}}})
	get := func(path string) int {
		status, _ := internal(t, h, path)
		return status
	}
	if l, r := get("/livez"), get("/readyz"); l != 200 || r != 200 {
		t.Errorf("livez %d, readyz %d", l, r)
	}
	stop(t, h)
	if l, r := get("/livez"), get("/readyz"); l != 200 || r != 503 {
		t.Errorf("closed: livez %d, readyz %d", l, r)
	}
}
