package host_test

import (
	"io"
	"net/http/httptest"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestUncleanPaths checks that the answer to a path that differs from that of a route in slashes or dots names the path
// of the route, and is no redirect.
func TestUncleanPaths(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{
		{Path: "/p/:id", Channel: scriptInGo()},
		{Path: "/chat/", Channel: scriptInGo()},
		{Path: "/", Channel: scriptInGo()},
	}})
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"//p/42":         {400, "connect to /p/42"},
		"/p//42":         {400, "connect to /p/42"},
		"/p/./42":        {400, "connect to /p/42"},
		"/q/../p/42":     {400, "connect to /p/42"},
		"//p/a%2Fb":      {400, "connect to /p/a%2Fb"},
		"//evil.example": {400, "connect to /evil.example"},
		"/chat":          {404, "connect to /chat/"},
		"/p/42/":         {404, "not found"},
		"/nothing":       {404, "not found"},
	} {
		unescaped, err := neturl.PathUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.URL.Path, r.URL.RawPath = unescaped, path
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Body)
		named := strings.Contains(strings.ToLower(string(body)), strings.ToLower(want.text))
		if w.Code != want.status || !named || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s %q, want %d %q", path, w.Code, w.Header(), body, want.status, want.text)
		}
	}
	for _, path := range []string{"/p/42", "/p/a%2Fb", "/p/a%2F%2Fb", "/chat/", "/"} {
		c := dial(t, url+path)
		do(t, c, "send ok", "ok")
	}
}

// TestQueryAsInBrowsers checks that a channel reads query parameters as a browser parses them.
func TestQueryAsInBrowsers(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		for query, text := range map[string]string{
			"name=ann;x": "ann;x", "name=100%": "100%", "name=a+b%20c": "a b c", "name=%FF": "\ufffd",
			"x=1&name=%zz": "%zz",
		} {
			c := dial(t, url+"/c?"+query+"&do="+escape("query name"))
			want(t, c, text)
		}
	})
}
