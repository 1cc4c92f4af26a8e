package origin

import (
	"net/http/httptest"
	"testing"
)

// TestHostAndOrigin checks which hosts and origins are allowed, by default and by patterns.
func TestHostAndOrigin(t *testing.T) {
	app := []string{
		"https://app.example.com", "*.trusted.example", "http://localhost:3000", "https://*.wild.example",
		"https://[::1]:8443",
	}
	anyOne := []string{"*"}
	for _, tc := range []struct {
		host, origin string
		hosts        []string
		origins      []string
		ok           bool
	}{
		// Hosts.
		{host: "localhost", ok: true},
		{host: "localhost:4000", ok: true},
		{host: "LOCALHOST.", ok: true},
		{host: "app.localhost:1", ok: true},
		{host: "127.0.0.1", ok: true},
		{host: "192.168.1.7:80", ok: true},
		{host: "[::1]", ok: true},
		{host: "[::1]:4000", ok: true},
		{host: "[fe80::1]:1", ok: true},
		{host: "example.com"},
		{host: "localhost.example.com"},
		{host: "127.0.0.1.example.com"},
		{host: "2130706433"},
		{host: "notlocalhost"},
		{host: "chat.example.com:443", hosts: []string{"Chat.Example.com"}, ok: true},
		{host: "chat.example.com.", hosts: []string{"chat.example.com"}, ok: true},
		{host: "a.b.example.com", hosts: []string{"*.example.com"}, ok: true},
		{host: "example.com", hosts: []string{"*.example.com"}},
		{host: "evilexample.com", hosts: []string{"*.example.com"}},
		{host: "localhost", hosts: []string{"example.com"}},
		{host: "anything", hosts: anyOne, ok: true},
		{host: "[::1]:9", hosts: []string{"::1"}, ok: true},

		// Origins.
		{host: "localhost:4000", origin: "http://localhost:4000", ok: true},
		{host: "localhost:4000", origin: "http://LocalHost:4000", ok: true},
		{host: "[::1]:4000", origin: "http://[::1]:4000", ok: true},
		{host: "localhost:4000", origin: "http://localhost:3000"},
		{host: "localhost:4000", origin: "http://localhost"},
		{host: "localhost:4000", origin: "http://127.0.0.1:4000"},
		{host: "localhost", origin: "https://evil.example"},
		{host: "localhost", origin: "null"},
		{host: "localhost", origin: "null", origins: app},
		{host: "localhost", origin: "file://"},
		{host: "localhost", origin: "not an origin"},
		{host: "localhost", origin: "http://a b"},
		{host: "localhost", origin: "null", origins: anyOne, ok: true},
		{host: "localhost", origin: "https://any.example", origins: anyOne, ok: true},
		{host: "localhost", origin: "https://app.example.com", origins: app, ok: true},
		{host: "localhost", origin: "https://APP.example.com", origins: app, ok: true},
		{host: "localhost", origin: "http://app.example.com", origins: app},
		{host: "localhost", origin: "https://app.example.com:8443", origins: app},
		{host: "localhost", origin: "https://app.example.com.evil.example", origins: app},
		{host: "localhost", origin: "http://a.trusted.example", origins: app, ok: true},
		{host: "localhost", origin: "https://a.trusted.example:99", origins: app, ok: true},
		{host: "localhost", origin: "https://trusted.example", origins: app},
		{host: "localhost", origin: "https://eviltrusted.example", origins: app},
		{host: "localhost", origin: "https://x.wild.example", origins: app, ok: true},
		{host: "localhost", origin: "http://x.wild.example", origins: app},
		{host: "localhost", origin: "https://evil.example/x.wild.example", origins: app},
		{host: "localhost", origin: "http://localhost:3000", origins: app, ok: true},
		{host: "localhost", origin: "https://[::1]:8443", origins: app, ok: true},

		// Default ports.
		{host: "localhost:443", origin: "https://localhost", ok: true},
		{host: "localhost", origin: "https://localhost:443", ok: true},
		{host: "localhost:80", origin: "http://localhost", ok: true},
		{host: "localhost", origin: "HTTP://localhost:80", ok: true},
		{host: "[::1]:443", origin: "https://[::1]", ok: true},
		{host: "localhost:443", origin: "wss://localhost", ok: true},
		{host: "localhost:80", origin: "ws://localhost", ok: true},
		{host: "localhost:443", origin: "http://localhost"},
		{host: "localhost:80", origin: "https://localhost"},
		{host: "localhost", origin: "https://app.example.com:443", origins: app, ok: true},
		{host: "localhost", origin: "https://x.wild.example:443", origins: app, ok: true},
		{host: "localhost", origin: "https://app.example.com:80", origins: app},
		{host: "localhost", origin: "https://a.example", origins: []string{"https://a.example:443"}, ok: true},
		{host: "localhost", origin: "http://a.example", origins: []string{"http://a.example:80"}, ok: true},
		{host: "localhost", origin: "https://a.example", origins: []string{"a.example:443"}, ok: true},
		{host: "localhost", origin: "http://a.example", origins: []string{"a.example:80"}, ok: true},
		{host: "localhost", origin: "http://a.example", origins: []string{"a.example:443"}},
		{host: "localhost", origin: "https://[2001:db8::1]", origins: []string{"[2001:db8::1]:443"}, ok: true},
		{host: "localhost", origin: "https://a.example", origins: []string{"a.example:*"}, ok: true},
		{host: "localhost", origin: "https://a.example", origins: []string{"https://a.example:*"}, ok: true},

		// DNS rebinding: host and origin agree, and both are the attacker's.
		{host: "evil.example:4000", origin: "http://evil.example:4000"},
		{host: "evil.example", origin: "http://evil.example", origins: app},
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Host = tc.host
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		if ok := HostAllowed(r, tc.hosts) && Allowed(r, tc.origins); ok != tc.ok {
			t.Errorf("host %s, origin %q, hosts %v, origins %v: got %v", tc.host, tc.origin, tc.hosts, tc.origins, ok)
		}
	}
}

// TestTwoOrigins checks that a request with more than one Origin header is refused.
func TestTwoOrigins(t *testing.T) {
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	r.Header["Origin"] = []string{"http://localhost", "http://localhost"}
	if Allowed(r, []string{"*"}) {
		t.Error("two origins are allowed")
	}
}
