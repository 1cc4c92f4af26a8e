package socket

import (
	"net/http"
	"testing"
)

func TestCheckHandshake(t *testing.T) {
	key := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", value) }
	}
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"valid", func(*http.Request) {}, 0},
		{"other letter case", func(r *http.Request) {
			r.Header["Connection"] = []string{"close", "x, UPGRADE"}
			r.Header["Upgrade"] = []string{"h2c, WebSocket"}
		}, 0},
		{"space around the key", key(" dGhlIHNhbXBsZSBub25jZQ== "), 0},
		{"HTTP/1.0", func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 1, 0 }, 426},
		{"HTTP/2", func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, 426},
		{"no Connection", func(r *http.Request) { r.Header.Del("Connection") }, 426},
		{"another Connection", func(r *http.Request) { r.Header.Set("Connection", "keep-alive, upgrades") }, 426},
		{"no Upgrade", func(r *http.Request) { r.Header.Del("Upgrade") }, 426},
		{"another Upgrade", func(r *http.Request) { r.Header.Set("Upgrade", "h2c") }, 426},
		{"a POST", func(r *http.Request) { r.Method = "POST" }, 405},
		{"no version", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Version") }, 426},
		{"an old version", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 426},
		{"no key", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, 400},
		{"two keys", func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400},
		{"an empty key", key(""), 400},
		{"a short key", key("dGhlIHNhbXBsZSBub25j"), 400},
		{"a key that is not base64", key("!GhlIHNhbXBsZSBub25jZQ=="), 400},
	} {
		r := handshake()
		tt.change(r)
		if status, reason := CheckHandshake(r); status != tt.status || (status == 0) != (reason == "") {
			t.Errorf("%s: %d %q, want %d", tt.name, status, reason, tt.status)
		}
	}
}

func TestSubprotocol(t *testing.T) {
	for _, tt := range []struct {
		offers, supported []string
		want              string
	}{
		{nil, nil, ""},
		{nil, []string{"chat"}, ""},
		{[]string{"chat"}, nil, ""},
		{[]string{"a, chat"}, []string{"chat"}, "chat"},
		{[]string{"a", "chat"}, []string{"chat"}, "chat"},
		{[]string{"v1,v2"}, []string{"v2", "v1"}, "v2"},
		{[]string{"other"}, []string{"v2", "v1"}, ""},
	} {
		r := handshake()
		r.Header["Sec-Websocket-Protocol"] = tt.offers
		if got := Subprotocol(r, tt.supported); got != tt.want {
			t.Errorf("offered %q, supported %q: got %q, want %q", tt.offers, tt.supported, got, tt.want)
		}
	}
}

func TestSubprotocolIsAnswered(t *testing.T) {
	s := serve(t, "tcp", serverOptions{subprotocols: []string{"v2", "v1"}})
	c, _ := s.dialWith(t, "Sec-WebSocket-Protocol: v1, v2\r\n")
	if c.subprotocol != "v2" {
		t.Errorf("the answer names %q, want v2", c.subprotocol)
	}
	if c, _ := s.dialWith(t, "Sec-WebSocket-Protocol: v3\r\n"); c.subprotocol != "" {
		t.Errorf("the answer names %q, want none", c.subprotocol)
	}
}
