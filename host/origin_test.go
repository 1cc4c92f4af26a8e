package host_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestHostAndOrigin checks that a handshake needs an allowed host and an allowed origin. Package origin tests the
// rules.
func TestHostAndOrigin(t *testing.T) {
	app := []string{"https://app.example.com", "https://[::1]:8443"}
	for _, tc := range []struct {
		host, origin string
		hosts        []string
		origins      []string
		ok           bool
	}{
		{host: "localhost:4000", ok: true},
		{host: "LOCALHOST.", ok: true},
		{host: "[::1]:4000", ok: true},
		{host: "example.com"},
		{host: "chat.example.com:443", hosts: []string{"Chat.Example.com"}, ok: true},
		{host: "localhost", hosts: []string{"example.com"}},
		{host: "localhost:4000", origin: "http://localhost:4000", ok: true},
		{host: "localhost:4000", origin: "http://localhost:3000"},
		{host: "localhost", origin: "null", origins: app},
		{host: "localhost", origin: "null", origins: []string{"*"}, ok: true},
		{host: "localhost", origin: "https://app.example.com", origins: app, ok: true},
		{host: "localhost", origin: "http://app.example.com", origins: app},
		{host: "localhost", origin: "https://[::1]:8443", origins: app, ok: true},
		// DNS rebinding: host and origin agree, and both are the attacker's.
		{host: "evil.example:4000", origin: "http://evil.example:4000"},
	} {
		t.Run(tc.host+" from "+tc.origin, func(t *testing.T) {
			_, url := serve(t, host.Options{
				Routes: []host.Route{echoRoute()}, AllowedHosts: tc.hosts, AllowedOrigins: tc.origins,
			})
			header := map[string]string{"Host": tc.host}
			if tc.origin != "" {
				header["Origin"] = tc.origin
			}
			_, res, err := dialWith(t, url+"/echo", header)
			switch {
			case res == nil:
				t.Fatal(err)
			case tc.ok && res.StatusCode != 101, !tc.ok && res.StatusCode != 403:
				t.Errorf("status %d with %v", res.StatusCode, tc.origins)
			}
		})
	}
}

// TestRouteOrigins checks that the origins of a route replace those of the host.
func TestRouteOrigins(t *testing.T) {
	own, none := echoRoute(), echoRoute()
	own.AllowedOrigins = []string{"https://own.example"}
	none.Path, none.AllowedOrigins = "/none", []string{}
	_, url := serve(t, host.Options{
		Routes: []host.Route{own, none}, AllowedOrigins: []string{"https://all.example"},
	})
	for path, wants := range map[string]map[string]int{
		"/echo": {"https://own.example": 101, "https://all.example": 403},
		"/none": {"https://own.example": 403, "https://all.example": 403},
	} {
		for origin, status := range wants {
			_, res, _ := dialWith(t, url+path, map[string]string{"Origin": origin})
			if res == nil || res.StatusCode != status {
				t.Errorf("%s from %s: %v, want %d", path, origin, res, status)
			}
		}
	}
}

// TestUselessPatterns checks that New refuses patterns that never match, and names the option.
func TestUselessPatterns(t *testing.T) {
	route := host.Route{Path: "/a", Channel: &host.Funcs{}, AllowedOrigins: []string{"https://slash.com/"}}
	for text, o := range map[string]host.Options{
		"AllowedHosts: ":              {AllowedHosts: []string{"a:1"}},
		"AllowedOrigins: ":            {AllowedOrigins: []string{"wss://a"}},
		"route /a: allowed_origins: ": {Routes: []host.Route{route}},
	} {
		h, err := host.New(o)
		if err == nil {
			_ = h.Close(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
}

// TestRefusedOriginsAreLogged checks that the log names a refused host or origin once, with the key that allows it.
func TestRefusedOriginsAreLogged(t *testing.T) {
	var log logBuffer
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		_, _, _ = dialWith(t, url+"/echo", map[string]string{"Origin": "http://localhost:5173"})
		_, _, _ = dialWith(t, url+"/echo", map[string]string{"Host": "chat.example.com"})
	}
	for _, line := range []string{
		`msg="origin refused" route=/echo origin=http://localhost:5173 fix="add it to allowed_origins`,
		`msg="host name refused" route=/echo host=chat.example.com fix="add it to allowed_hosts`,
	} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%d lines with %s in\n%s", n, line, log.String())
		}
	}
}
