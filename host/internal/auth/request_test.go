package auth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func request(target string, headers ...string) *http.Request {
	u := must(url.ParseRequestURI(target))
	r := &http.Request{Method: "GET", URL: u, RequestURI: target, Header: http.Header{}}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestFind(t *testing.T) {
	usual := verifier(t, Options{Secret: testSecret})
	named := verifier(t, Options{Secret: testSecret, Query: "jwt", Cookie: "session"})
	none := verifier(t, Options{Secret: testSecret, Query: "-"})
	for _, c := range []struct {
		v     *Verifier
		r     *http.Request
		token string // "!": two tokens that differ
		left  string // the target after Strip
	}{
		{usual, request("/a"), "", "/a"},
		{usual, request("/a?token=x"), "x", "/a"},
		{usual, request("/a?b=1&token=x&c=%20&d"), "x", "/a?b=1&c=%20&d"},
		{usual, request("/a?token="), "", "/a"},
		{usual, request("/a?tok%65n=x%2ey"), "x.y", "/a"},
		{usual, request("/a?Token=x&jwt=y&atoken=z"), "", "/a?Token=x&jwt=y&atoken=z"},
		{usual, request("/a?token=x&token=x"), "x", "/a"},
		{usual, request("/a?token=x&token=y"), "!", "/a"},
		{usual, request("/a?token=x&token="), "x", "/a"},
		{usual, request("/a?token=%zz"), "%zz", "/a"},
		{usual, request("/a?token=x;y"), "x;y", "/a"},
		{usual, request("/a", "Authorization: Bearer x"), "x", "/a"},
		{usual, request("/a", "Authorization: bearer  x "), "x", "/a"},
		{usual, request("/a", "Authorization: Basic x"), "", "/a"},
		{usual, request("/a", "Authorization: Bearerx"), "", "/a"},
		{usual, request("/a", "Authorization: Basic y", "Authorization: Bearer x"), "x", "/a"},
		{usual, request("/a", "Cookie: session=x; token=y"), "", "/a"},
		{usual, request("/a", "Sec-WebSocket-Protocol: chat, azuhost.token.x"), "x", "/a"},
		{usual, request("/a", "Sec-WebSocket-Protocol: azuhost.token.x", "Sec-WebSocket-Protocol: chat"), "x", "/a"},
		{usual, request("/a", "Sec-WebSocket-Protocol: azuhost.tokens.x, azuhost.token."), "", "/a"},
		{usual, request("/a?token=x", "Authorization: Bearer x", "Sec-WebSocket-Protocol: azuhost.token.x"), "x", "/a"},
		{usual, request("/a?token=x", "Authorization: Bearer y"), "!", "/a"},
		{usual, request("/a?token=x", "Sec-WebSocket-Protocol: azuhost.token.y"), "!", "/a"},
		{named, request("/a?jwt=x&token=y"), "x", "/a?token=y"},
		{named, request("/a", "Cookie: a=1; session=x; b=2"), "x", "/a"},
		{named, request("/a", `Cookie: session="x"`), "x", "/a"},
		{named, request("/a?jwt=y", "Cookie: session=x"), "!", "/a"},
		{none, request("/a?token=x"), "", "/a?token=x"},
	} {
		got, err := c.v.Find(c.r)
		var e *Error
		if c.token == "!" {
			if !errors.As(err, &e) || e.Reason != Ambiguous {
				t.Errorf("%s %v: got %q, %v", c.r.RequestURI, c.r.Header, got, err)
			}
		} else if err != nil || got != c.token {
			t.Errorf("%s %v: got %q, %v; want %q", c.r.RequestURI, c.r.Header, got, err, c.token)
		}
		s := c.v.Strip(c.r)
		if s.URL.RequestURI() != c.left || s.RequestURI != c.left {
			t.Errorf("%s: stripped it is %s", c.r.RequestURI, s.URL.RequestURI())
		}
	}
}

func TestStrip(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret, Cookie: "session"})
	r := request("/a?token=x&b=1", "Authorization: Basic y", "Authorization: Bearer x",
		"Cookie: a=1; session=x; b=2", "Cookie: session=x", "Sec-WebSocket-Protocol: azuhost.token.x, chat", "X: y")
	s := v.Strip(r)
	for name, want := range map[string]string{
		"Authorization": "Basic y", "Cookie": "a=1; b=2", "Sec-Websocket-Protocol": "chat", "X": "y",
	} {
		if got := strings.Join(s.Header[name], "|"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if len(r.Header["Authorization"]) != 2 || r.URL.RawQuery != "token=x&b=1" {
		t.Error("Strip changed the request")
	}
	if !strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "azuhost") {
		t.Error("Strip changed the subprotocols of the request")
	}
	if s := v.Strip(request("/a", "Authorization: Bearer x")); len(s.Header) != 0 {
		t.Errorf("headers after Strip: %v", s.Header)
	}
}

// FuzzFind: Strip removes the token that Find finds, and nothing else.
func FuzzFind(f *testing.F) {
	f.Add("a=1&token=x", "Bearer x", "a=1; session=x", "chat, azuhost.token.x")
	f.Add("token=%zz&token", "bearer", "session", "azuhost.token.")
	f.Add("tok%65n=a%00b", "Basic Bearer x", `session="x"`, ",azuhost.token.a,,")
	v, err := New(Options{Secret: testSecret, Cookie: "session"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, authorization, cookie, protocols string) {
		r := &http.Request{URL: &url.URL{Path: "/a", RawQuery: query}, Header: http.Header{}}
		for name, value := range map[string]string{
			"Authorization": authorization, "Cookie": cookie, "Sec-Websocket-Protocol": protocols, "X": query,
		} {
			r.Header[name] = []string{value}
		}
		token, err := v.Find(r)
		if err != nil && token != "" {
			t.Errorf("%q and %v", token, err)
		}
		s := v.Strip(r)
		if left, err := v.Find(s); left != "" || err != nil {
			t.Errorf("after Strip: %q, %v", left, err)
		}
		if s.Header.Get("X") != query || s.URL.Path != "/a" {
			t.Error("Strip removed something else")
		}
		had, has := r.URL.Query(), s.URL.Query()
		had.Del("token")
		if had.Encode() != has.Encode() && !strings.Contains(query, ";") {
			t.Errorf("the query %q became %q", query, s.URL.RawQuery)
		}
		if token != "" {
			_, _ = v.Verify(t.Context(), token)
		}
	})
}
