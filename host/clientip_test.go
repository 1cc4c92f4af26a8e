package host_test

import (
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestTrustedProxies checks that X-Forwarded-For counts from trusted proxies only. Package clientip tests the rules.
func TestTrustedProxies(t *testing.T) {
	route := host.Route{Path: "/c", Channel: scriptInGo()}
	for _, tc := range []struct {
		trusted         []string
		forwarded, want string
	}{
		{nil, "203.0.113.7", "127.0.0.1"},
		{[]string{"10.0.0.0/8"}, "203.0.113.7", "127.0.0.1"},
		{[]string{"127.0.0.0/8", "10.0.0.0/8"}, "1.1.1.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "[2001:db8::7]:99", "2001:db8::7"},
		{[]string{"127.0.0.1"}, "unknown", "127.0.0.1"},
	} {
		_, url := serve(t, host.Options{Routes: []host.Route{route}, TrustedProxies: tc.trusted})
		c, _, err := dialWith(t, url+"/c?do=remote_addr", map[string]string{"X-Forwarded-For": tc.forwarded})
		if err != nil {
			t.Fatal(err)
		}
		want(t, c, tc.want)
	}
}

// TestLimitBehindProxy checks that MaxConnectionsPerAddress counts clients, not the proxy, and an IPv6 /64 as one.
func TestLimitBehindProxy(t *testing.T) {
	_, url := serve(t, host.Options{
		Routes:                   []host.Route{{Path: "/c", Channel: scriptInGo()}},
		TrustedProxies:           []string{"127.0.0.1"},
		MaxConnectionsPerAddress: 1,
	})
	for _, tc := range []struct {
		client string
		status int
	}{
		{"203.0.113.7", 101},
		{"203.0.113.7", 429},
		{"203.0.113.8", 101},
		{"2001:db8::1", 101},
		{"2001:db8::2", 429},
		{"2001:db8:0:1::1", 101},
	} {
		_, res, err := dialWith(t, url+"/c", map[string]string{"X-Forwarded-For": tc.client})
		if res == nil || res.StatusCode != tc.status {
			t.Errorf("%s: %v %v, want %d", tc.client, res, err, tc.status)
		}
	}
}
