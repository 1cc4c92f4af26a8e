package host_test

import (
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestOriginAndHost has a browser come from a page, and name a host.
func TestOriginAndHost(t *testing.T) {
	app := []string{"https://app.example.com", "*.trusted.example", "http://localhost:3000", "https://*.wild.example", "https://[::1]:8443"}
	for _, tc := range []struct {
		host, origin string
		hosts        []string
		origins      []string
		ok           bool
	}{
		// Who may be named.
		{host: "localhost", ok: true}, {host: "localhost:4000", ok: true}, {host: "LOCALHOST.", ok: true}, {host: "app.localhost:1", ok: true},
		{host: "127.0.0.1", ok: true}, {host: "192.168.1.7:80", ok: true}, {host: "[::1]", ok: true}, {host: "[::1]:4000", ok: true}, {host: "[fe80::1]:1", ok: true},
		{host: "example.com"}, {host: "localhost.example.com"}, {host: "127.0.0.1.example.com"}, {host: "2130706433"}, {host: "notlocalhost"},
		{host: "chat.example.com:443", hosts: []string{"Chat.Example.com"}, ok: true},
		{host: "chat.example.com.", hosts: []string{"chat.example.com"}, ok: true},
		{host: "a.b.example.com", hosts: []string{"*.example.com"}, ok: true},
		{host: "example.com", hosts: []string{"*.example.com"}}, {host: "evilexample.com", hosts: []string{"*.example.com"}},
		{host: "localhost", hosts: []string{"example.com"}}, {host: "anything", hosts: []string{"*"}, ok: true},
		{host: "[::1]:9", hosts: []string{"::1"}, ok: true},

		// Where a page may come from.
		{host: "localhost:4000", origin: "http://localhost:4000", ok: true}, {host: "localhost:4000", origin: "http://LocalHost:4000", ok: true},
		{host: "[::1]:4000", origin: "http://[::1]:4000", ok: true},
		{host: "localhost:4000", origin: "http://localhost:3000"}, {host: "localhost:4000", origin: "http://localhost"},
		{host: "localhost:4000", origin: "http://127.0.0.1:4000"}, {host: "localhost", origin: "https://evil.example"},
		{host: "localhost", origin: "null"}, {host: "localhost", origin: "null", origins: app}, {host: "localhost", origin: "file://"},
		{host: "localhost", origin: "not an origin"}, {host: "localhost", origin: "http://a b"},
		{host: "localhost", origin: "null", origins: []string{"*"}, ok: true}, {host: "localhost", origin: "https://any.example", origins: []string{"*"}, ok: true},
		{host: "localhost", origin: "https://app.example.com", origins: app, ok: true}, {host: "localhost", origin: "https://APP.example.com", origins: app, ok: true},
		{host: "localhost", origin: "http://app.example.com", origins: app}, {host: "localhost", origin: "https://app.example.com:8443", origins: app},
		{host: "localhost", origin: "https://app.example.com.evil.example", origins: app},
		{host: "localhost", origin: "http://a.trusted.example", origins: app, ok: true}, {host: "localhost", origin: "https://a.trusted.example:99", origins: app, ok: true},
		{host: "localhost", origin: "https://trusted.example", origins: app}, {host: "localhost", origin: "https://eviltrusted.example", origins: app},
		{host: "localhost", origin: "https://x.wild.example", origins: app, ok: true}, {host: "localhost", origin: "http://x.wild.example", origins: app},
		{host: "localhost", origin: "https://evil.example/x.wild.example", origins: app},
		{host: "localhost", origin: "http://localhost:3000", origins: app, ok: true}, {host: "localhost", origin: "https://[::1]:8443", origins: app, ok: true},

		// DNS rebinding: name and page agree, and are the attacker's.
		{host: "evil.example:4000", origin: "http://evil.example:4000"}, {host: "evil.example", origin: "http://evil.example", origins: app},
	} {
		t.Run(tc.host+" from "+tc.origin, func(t *testing.T) {
			_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}, AllowedHosts: tc.hosts, AllowedOrigins: tc.origins})
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

// TestRouteOrigins replace those of the host.
func TestRouteOrigins(t *testing.T) {
	own, none := echoRoute(), echoRoute()
	own.AllowedOrigins = []string{"https://own.example"}
	none.Path, none.AllowedOrigins = "/none", []string{}
	_, url := serve(t, host.Options{Routes: []host.Route{own, none}, AllowedOrigins: []string{"https://all.example"}})
	for path, wants := range map[string]map[string]int{
		"/echo": {"https://own.example": 101, "https://all.example": 403},
		"/none": {"https://own.example": 403, "https://all.example": 403},
	} {
		for origin, status := range wants {
			if _, res, _ := dialWith(t, url+path, map[string]string{"Origin": origin}); res == nil || res.StatusCode != status {
				t.Errorf("%s from %s: %v, want %d", path, origin, res, status)
			}
		}
	}
}

// TestTrustedProxies reads X-Forwarded-For only from those who may set it.
func TestTrustedProxies(t *testing.T) {
	route := host.Route{Path: "/c", Channel: scriptInGo()}
	for _, tc := range []struct {
		trusted          []string
		forwarded, wants string
	}{
		{nil, "203.0.113.7", "127.0.0.1"},
		{[]string{"10.0.0.0/8"}, "203.0.113.7", "127.0.0.1"},
		{[]string{"127.0.0.1"}, "203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.0/8"}, "203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.0/8"}, "1.1.1.1, 203.0.113.7", "203.0.113.7"}, // the first is what the client says
		{[]string{"127.0.0.0/8", "10.0.0.0/8"}, "1.1.1.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"},
		{[]string{"127.0.0.0/8", "10.0.0.0/8"}, "10.0.0.2, 10.0.0.1", "10.0.0.2"},
		{[]string{"127.0.0.1"}, "2001:db8::7", "2001:db8::7"},
		{[]string{"127.0.0.1"}, "::ffff:203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "203.0.113.7:555", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "[2001:db8::7]:99", "2001:db8::7"},
		{[]string{"127.0.0.1"}, "[2001:db8::7]", "2001:db8::7"},
		{[]string{"127.0.0.1", "10.0.0.0/8"}, "1.1.1.1, 203.0.113.7:1,10.0.0.1:2", "203.0.113.7"},
		{[]string{"::ffff:127.0.0.0/104"}, "203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "unknown", "127.0.0.1"}, {[]string{"127.0.0.1"}, "203.0.113.7:x", "127.0.0.1"},
		{[]string{"127.0.0.1"}, "", "127.0.0.1"},
	} {
		_, url := serve(t, host.Options{Routes: []host.Route{route}, TrustedProxies: tc.trusted})
		c, _, err := dialWith(t, url+"/c?do=a", map[string]string{"X-Forwarded-For": tc.forwarded})
		if err != nil {
			t.Fatal(err)
		}
		want(t, c, tc.wants)
	}
	// The limit counts the client, and of IPv6 its /64.
	_, url := serve(t, host.Options{Routes: []host.Route{route}, TrustedProxies: []string{"127.0.0.1"}, MaxConnectionsPerAddress: 1})
	for _, tc := range []struct {
		client string
		status int
	}{{"203.0.113.7", 101}, {"203.0.113.7", 429}, {"203.0.113.8", 101}, {"2001:db8::1", 101}, {"2001:db8::2", 429}, {"2001:db8:0:1::1", 101}} {
		if _, res, err := dialWith(t, url+"/c", map[string]string{"X-Forwarded-For": tc.client}); res == nil || res.StatusCode != tc.status {
			t.Errorf("%s: %v %v, want %d", tc.client, res, err, tc.status)
		}
	}
}
