package clientip

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestFromRequest checks the client address of requests from 127.0.0.1 with X-Forwarded-For.
func TestFromRequest(t *testing.T) {
	for _, tc := range []struct {
		trusted         []string
		forwarded, want string
	}{
		{nil, "203.0.113.7", "127.0.0.1"},
		{[]string{"10.0.0.0/8"}, "203.0.113.7", "127.0.0.1"},
		{[]string{"127.0.0.1"}, "203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.0/8"}, "203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.0/8"}, "1.1.1.1, 203.0.113.7", "203.0.113.7"}, // the client itself wrote the first address
		{[]string{"127.0.0.0/8", "10.0.0.0/8"}, "1.1.1.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"},
		{[]string{"127.0.0.0/8", "10.0.0.0/8"}, "10.0.0.2, 10.0.0.1", "10.0.0.2"},
		{[]string{"127.0.0.1"}, "2001:db8::7", "2001:db8::7"},
		{[]string{"127.0.0.1"}, "::ffff:203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "203.0.113.7:555", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "[2001:db8::7]:99", "2001:db8::7"},
		{[]string{"127.0.0.1"}, "[2001:db8::7]", "2001:db8::7"},
		{[]string{"127.0.0.1", "10.0.0.0/8"}, "1.1.1.1, 203.0.113.7:1,10.0.0.1:2", "203.0.113.7"},
		{[]string{"::ffff:127.0.0.0/104"}, "203.0.113.7", "203.0.113.7"},
		{[]string{"127.0.0.1"}, "unknown", "127.0.0.1"},
		{[]string{"127.0.0.1"}, "203.0.113.7:x", "127.0.0.1"},
		{[]string{"127.0.0.1"}, "", "127.0.0.1"},
	} {
		trusted, err := ParseNetworks(tc.trusted)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "127.0.0.1:5000"
		r.Header.Set("X-Forwarded-For", tc.forwarded)
		if got := FromRequest(r, trusted).String(); got != tc.want {
			t.Errorf("X-Forwarded-For %q with %v: got %s, want %s", tc.forwarded, tc.trusted, got, tc.want)
		}
	}
}

// TestLimitKey checks that an IPv4 address is its own key, and that an IPv6 address has its /64 as key.
func TestLimitKey(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "2001:db8::1": "2001:db8::", "2001:db8:0:1::1": "2001:db8:0:1::",
	} {
		if got := LimitKey(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}

// TestParseNetworks checks addresses, prefixes, IPv4 in IPv6, and the errors of others.
func TestParseNetworks(t *testing.T) {
	if _, err := ParseNetworks([]string{"10.0.0.1/8", "::1", "2001:db8::/32"}); err != nil {
		t.Error(err)
	}
	mapped, err := ParseNetworks([]string{"::ffff:10.0.0.0/104", "::ffff:192.0.2.1"})
	if err != nil || !contains(mapped[:1], netip.MustParseAddr("10.9.9.9")) ||
		!contains(mapped[1:], netip.MustParseAddr("192.0.2.1")) || contains(mapped, netip.MustParseAddr("11.0.0.1")) {
		t.Errorf("IPv4 in IPv6: %v, %v", mapped, err)
	}
	for _, bad := range []string{"", "localhost", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "::ffff:10.0.0.0/90"} {
		if _, err := ParseNetworks([]string{bad}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
