package admin

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestMethodsAndPaths(t *testing.T) {
	_, _, c := newAPI(t, Options{})
	c.want(400, "invalid_request", "GET", "openapi.json?x=1", "")
	c.want(404, "unknown_path", "GET", "nowhere", "")
	c.want(405, "method_not_allowed", "GET", "publish", "")
	c.want(405, "method_not_allowed", "POST", "rooms", "{}")
	c.want(405, "method_not_allowed", "DELETE", "openapi.json", "")
	c.want(200, "", "HEAD", "node", "")
}

// TestKeyHeaderIsForPublish checks that other operations refuse Idempotency-Key.
func TestKeyHeaderIsForPublish(t *testing.T) {
	_, _, c := newAPI(t, Options{})
	c.want(400, "invalid_request", "POST", "plugins/reload", `{}`, "Idempotency-Key: k")
	c.want(400, "invalid_request", "POST", "batch", `{"publications": [{"all": true, "text": ""}]}`, "Idempotency-Key: k")
}

// TestRequiredParameters checks that the error names a parameter that openapi.json requires, if it is missing or empty.
func TestRequiredParameters(t *testing.T) {
	_, _, c := newAPI(t, Options{})
	tested := 0
	for path, methods := range c.doc.Paths {
		for _, missing := range methods["get"].Parameters {
			if !missing.Required {
				continue
			}
			tested++
			for _, query := range []url.Values{{}, {missing.Name: {""}}} {
				for _, p := range methods["get"].Parameters {
					if p.Required && p.Name != missing.Name {
						query.Set(p.Name, "/c")
					}
				}
				a := c.want(400, "invalid_request", "GET", path[1:]+"?"+query.Encode(), "")
				if !strings.Contains(a["detail"].(string), fmt.Sprintf("%q is needed", missing.Name)) {
					t.Errorf("%s?%s: %v", path, query.Encode(), a["detail"])
				}
			}
		}
	}
	if tested < 5 {
		t.Errorf("tested %d parameters", tested)
	}
}

// TestCrossOriginWrites checks that no page of another origin can write, whether or not its browser sends a preflight.
func TestCrossOriginWrites(t *testing.T) {
	_, _, c := newAPI(t, Options{})
	body := `{"all": true, "text": "x"}`
	for _, header := range []string{
		"Origin: https://evil.example.com", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null",
	} {
		c.want(403, "forbidden", "POST", "publish", body, header)
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "", "application/json/x"} {
		c.want(415, "unsupported_media_type", "POST", "publish", body, "Content-Type: "+kind)
	}
	c.want(200, "", "POST", "publish", body, "Content-Type: application/json; charset=utf-8")
	c.want(200, "", "POST", "publish", body, "Sec-Fetch-Site: same-origin")
	c.want(200, "", "POST", "publish", body, "Origin: "+c.url)
}
