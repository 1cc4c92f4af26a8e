package host_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// apiClient sends requests to the API of a host. Every answer has to be as
// openapi.json says, and every request that it does not allow has to be refused.
type apiClient struct {
	t     *testing.T
	url   string
	token string
	doc   *openAPI
}

func newAPIClient(t *testing.T, h *host.Host) *apiClient {
	t.Helper()
	s := httptest.NewServer(h.Internal())
	t.Cleanup(s.Close)
	return &apiClient{t: t, url: s.URL, doc: readOpenAPI(t)}
}

// send sends a request and gives the answer. headers are "Name: value".
func (c *apiClient) send(method, path, body string, headers ...string) (status int, answer map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.doc.validate(c.t, req, body, res, b)
	if err := json.Unmarshal(b, &answer); err != nil && method != "HEAD" {
		c.t.Errorf("%s %s: %v: %s", method, path, err, b)
	}
	return res.StatusCode, answer
}

// want sends a request and wants a status and, if it is a problem, a code.
func (c *apiClient) want(status int, code, method, path, body string, headers ...string) map[string]any {
	c.t.Helper()
	got, answer := c.send(method, path, body, headers...)
	if got != status || code != "" && answer["code"] != code {
		c.t.Errorf("%s %s %s: %d %v; want %d %s", method, path, body, got, answer, status, code)
	}
	if status >= 400 && method != "HEAD" && (answer["status"] != float64(status) || answer["title"] == "" || answer["detail"] == "") {
		c.t.Errorf("%s %s %s: the problem %v", method, path, body, answer)
	}
	return answer
}

func (c *apiClient) get(path string) map[string]any {
	c.t.Helper()
	return c.want(200, "", "GET", path, "")
}

func (c *apiClient) post(path, body string, headers ...string) map[string]any {
	c.t.Helper()
	return c.want(200, "", "POST", path, body, headers...)
}

// equalJSON compares an answer with a JSON text.
func equalJSON(t *testing.T, what string, got any, want string) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	n, _ := json.Marshal(w)
	if string(b) != string(n) {
		t.Errorf("%s: %s\nwant %s", what, b, n)
	}
}

// apiHost has a script at /c and the guest that is asked at /p/:name.
func apiHost(t *testing.T, o host.Options) (*host.Host, string) {
	t.Helper()
	o.Node = "n1"
	o.Routes = []host.Route{
		{Path: "/c", Channel: scriptInGo()},
		{Path: "/p/:name", Plugin: "../testplugins/publish.wasm", Limits: host.Limits{Deadline: patient, HookBytes: 1000}},
	}
	return serveQuiet(t, o)
}

func TestAPIPublish(t *testing.T) {
	h, ws := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	ann, bob := dialDo(t, ws+"/c", "i ann;j room;s in"), dialDo(t, ws+"/c", "i bob;s in")
	want(t, ann, "in")
	want(t, bob, "in")
	for _, p := range []struct{ body, answer string }{
		{`{"route": "/c", "room": "room", "text": "to the room"}`, `{"sockets": 1, "nodes": 1}`},
		{`{"route": "/c", "all": true, "binary": "AP8="}`, `{"sockets": 2, "nodes": 1}`},
		{`{"users": ["ann", "bob", "eve"], "json": {"type": "news", "id" : 1.50}}`, `{"sockets": 2, "nodes": 1}`},
		{`{"route": "/c", "users": ["eve"], "text": ""}`, `{"sockets": 0, "nodes": 0}`},
	} {
		equalJSON(t, p.body, c.post("publish", p.body), p.answer)
	}
	for _, m := range []string{"to the room", "\x00\xff", `{"type":"news","id":1.50}`} {
		want(t, ann, m)
	}
	for _, m := range []string{"\x00\xff", `{"type":"news","id":1.50}`} {
		want(t, bob, m)
	}
	// Once for a key, in the header or in the body.
	body := `{"route": "/c", "room": "room", "text": "once"}`
	equalJSON(t, "first", c.post("publish", body, "Idempotency-Key: k1"), `{"sockets": 1, "nodes": 1}`)
	equalJSON(t, "again", c.post("publish", body, "Idempotency-Key: k1"), `{"sockets": 1, "nodes": 1, "duplicate": true}`)
	equalJSON(t, "in the body", c.post("publish", `{"route": "/c", "room": "room", "text": "once", "key": "k1"}`), `{"sockets": 1, "nodes": 1, "duplicate": true}`)
	c.want(422, "key_reused", "POST", "publish", `{"route": "/c", "room": "room", "text": "twice"}`, "Idempotency-Key: k1")
	c.want(400, "invalid_request", "POST", "publish", `{"route": "/c", "all": true, "text": "x", "key": "k2"}`, "Idempotency-Key: k3")
	want(t, ann, "once")
	// A batch has its results in order; a wrong one keeps none of the others.
	answer := c.post("batch", `{"publications": [{"route": "/c", "room": "room", "text": "1"}, {"route": "/x", "all": true, "text": "2"}, {"users": ["ann"], "text": "3"}]}`)
	results := answer["results"].([]any)
	if len(results) != 3 || results[1].(map[string]any)["error"].(map[string]any)["code"] != "unknown_route" {
		t.Errorf("%v", results)
	}
	equalJSON(t, "the third", results[2], `{"delivery": {"sockets": 1, "nodes": 1}}`)
	want(t, ann, "1")
	want(t, ann, "3")
	wantMetric(t, h, `azuhost_api_requests_total{operation="batch",status="200"}`, 1)
	wantMetric(t, h, `azuhost_api_requests_total{operation="publish",status="422"}`, 1)
}

// TestAPIOnPublish: what the plugin answers is the answer.
func TestAPIOnPublish(t *testing.T) {
	h, ws := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	ann := dial(t, ws+"/p/ann")
	eventually(t, "in", func() bool {
		on, err := h.Online(t.Context(), "/p/:name", "ann")
		return on && err == nil
	})
	publish := func(text string) string {
		return fmt.Sprintf(`{"route": "/p/:name", "users": ["ann", "bob"], "text": %q}`, text)
	}
	c.want(403, "refused", "POST", "publish", publish("Refused"))
	c.want(500, "hook_failed", "POST", "publish", publish("Failed"))
	c.want(500, "hook_failed", "POST", "publish", publish("! trap"))
	c.want(413, "too_large", "POST", "publish", publish(strings.Repeat("x", 1001)))
	equalJSON(t, "changed", c.post("publish", publish("Changed")), `{"sockets": 1, "nodes": 1}`)
	equalJSON(t, "dropped", c.post("publish", publish("Dropped")), `{"sockets": 0, "nodes": 0}`)
	want(t, ann, "*hanged")
}

func TestAPIDisconnect(t *testing.T) {
	h, ws := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	ann, bob := dialDo(t, ws+"/c", "i ann;s in"), dialDo(t, ws+"/c", "i bob;s in")
	want(t, ann, "in")
	want(t, bob, "in")
	equalJSON(t, "user", c.post("disconnect", `{"user": "ann", "code": 4001, "reason": "bye"}`), `{"sockets": 1, "nodes": 1}`)
	wantClose(t, ann, 4001, "bye")
	conns := c.get("connections")["items"].([]any)
	id := conns[len(conns)-1].(map[string]any)["id"].(string)
	equalJSON(t, "connection", c.post("disconnect", fmt.Sprintf(`{"conn": %q}`, id)), `{"sockets": 1, "nodes": 1}`)
	wantClose(t, bob, 1008, "")
	equalJSON(t, "nobody", c.post("disconnect", `{"user": "eve"}`), `{"sockets": 0, "nodes": 0}`)
	for _, body := range []string{
		`{}`, `{"user": ""}`, `{"user": "a", "conn": "n1.1"}`, `{"conn": "1"}`, `{"conn": "n1.01"}`, `{"user": "a", "code": 0}`, `{"user": "a", "code": 1006}`,
		`{"user": "a", "code": "1000"}`, `{"user": "a", "route": ""}`, `{"user": "a", "reason": "` + strings.Repeat("x", 124) + `"}`,
	} {
		c.want(400, "invalid_request", "POST", "disconnect", body)
	}
	c.want(404, "unknown_route", "POST", "disconnect", `{"route": "/x", "user": "a"}`)
}

func TestAPIQueries(t *testing.T) {
	h, ws := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	want(t, dialDo(t, ws+"/c", "i ann;j a;j b;s in"), "in")
	want(t, dialDo(t, ws+"/c", "j b;s in"), "in")
	want(t, dialDo(t, ws+"/c", "i zoe;j c;s in"), "in")
	equalJSON(t, "rooms", c.get("rooms?route=/c&limit=2"), `{"items": [{"name": "a", "sockets": 1, "users": 1}, {"name": "b", "sockets": 2, "users": 1}], "next": "b"}`)
	equalJSON(t, "more rooms", c.get("rooms?route=/c&limit=2&after=b"), `{"items": [{"name": "c", "sockets": 1, "users": 1}]}`)
	equalJSON(t, "no more", c.get("rooms?route=/c&after=c"), `{"items": []}`)
	equalJSON(t, "room", c.get("room?route=/c&room=b"), `{"name": "b", "sockets": 2, "users": 1}`)
	equalJSON(t, "users", c.get("presence?route=/c&limit=1"), `{"items": ["ann"], "next": "ann"}`)
	equalJSON(t, "users of a room", c.get("presence?route=/c&room=c"), `{"items": ["zoe"]}`)
	equalJSON(t, "online", c.get("online?route=/c&user=zoe"), `{"online": true}`)
	equalJSON(t, "offline", c.get("online?route=/c&user=eve"), `{"online": false}`)
	members := c.get("members?route=/c&room=b")["items"].([]any)
	all := c.get("connections?limit=2")
	if len(members) != 2 || len(all["items"].([]any)) != 2 || all["next"] == nil {
		t.Errorf("members %v, connections %v", members, all)
	}
	rest := c.get("connections?limit=2&after=" + url.QueryEscape(all["next"].(string)))
	if len(rest["items"].([]any)) != 1 || rest["next"] != nil {
		t.Errorf("the last page: %v", rest)
	}
	routes := c.get("routes")["items"].([]any)
	if len(routes) != 2 || routes[0].(map[string]any)["connections"] != 3.0 || routes[1].(map[string]any)["running"] != 1.0 {
		t.Errorf("routes: %v", routes)
	}
	node := c.get("node")
	if node["node"] != "n1" || node["connections"] != 3.0 || node["routes"] != 2.0 {
		t.Errorf("node: %v", node)
	}
	for _, path := range []string{
		"rooms", "rooms?route=", "rooms?route=/c&limit=0", "rooms?route=/c&limit=1001", "rooms?route=/c&limit=x", "rooms?route=/c&limit=%2B1", "rooms?route=/c&limit=", "rooms?route=/c&after=", "rooms?route=/c&x=1",
		"rooms?route=/c&route=/c", "rooms?route=%zz", "room?route=/c", "room?route=/c&room=%0a", "members?route=/c", "members?route=/c&room=b&after=x", "presence?route=/c&room=",
		"online?route=/c", "connections?route=", "connections?after=n1", "routes?x=1", "node?x=1",
	} {
		if status, answer := c.send("GET", path, ""); status != 400 && status != 404 || answer["code"] == "internal" {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
	for _, path := range []string{"rooms?route=/x", "room?route=/x&room=a", "members?route=/x&room=a", "presence?route=/x", "online?route=/x&user=a", "connections?route=/x"} {
		c.want(404, "unknown_route", "GET", path, "")
	}
}

func TestAPIPlugins(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.o.Routes = append(s.o.Routes, host.Route{Path: "/go", Channel: scriptInGo()})
	s.start()
	c := newAPIClient(t, s.h)
	v1 := s.h.Routes()[0].Version
	route := `{"route": "/c"}`
	equalJSON(t, "unchanged", c.post("plugins/load", route), fmt.Sprintf(`{"route": "/c", "version": %q, "was": %q, "changed": false}`, v1, v1))
	c.want(409, "no_version", "POST", "plugins/rollback", route)
	replace(t, s.file, version(t, 2))
	if a := c.post("plugins/load", route); a["was"] != v1 || a["changed"] != true {
		t.Errorf("changed: %v", a)
	}
	if err := os.WriteFile(s.file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.want(422, "not_loaded", "POST", "plugins/load", route)
	items := c.post("plugins/reload", `{}`)["items"].([]any)
	if len(items) != 1 || items[0].(map[string]any)["error"].(map[string]any)["code"] != "not_loaded" {
		t.Errorf("reload: %v", items)
	}
	replace(t, s.file, version(t, 2))
	items = c.post("plugins/reload", `{}`)["items"].([]any)
	if len(items) != 1 || items[0].(map[string]any)["change"].(map[string]any)["changed"] != false {
		t.Errorf("reload: %v", items)
	}
	if a := c.post("plugins/lift", route); a["path"] != "/c" || a["state"] != "serving" {
		t.Errorf("lift: %v", a)
	}
	for _, op := range []string{"load", "rollback"} {
		c.want(409, "no_version", "POST", "plugins/"+op, `{"route": "/go"}`)
	}
	for _, op := range []string{"load", "rollback", "lift"} {
		c.want(404, "unknown_route", "POST", "plugins/"+op, `{"route": "/x"}`)
		c.want(400, "invalid_request", "POST", "plugins/"+op, `{"route": "/c", "file": "/etc/passwd"}`)
	}
	stop(t, s.h)
	c.want(503, "unavailable", "POST", "plugins/load", route)
	c.want(503, "unavailable", "POST", "publish", `{"route": "/c", "all": true, "text": "x"}`)
}

var wrongPublications = []string{
	``, `x`, `null`, `[]`, `"x"`, `{`, `{} {}`, `{}`,
	`{"route": "/c", "all": true, "text": "x"} x`,
	`{"route": "/c", "all": true, "text": "x", "more": 1}`,
	`{"route": "/c", "all": true, "text": 1}`,
	`{"route": "/c", "all": true, "text": null}`,
	`{"route": null, "all": true, "text": "x"}`,
	`{"route": "", "all": true, "text": "x"}`,
	`{"route": "/c", "all": true}`,
	`{"route": "/c", "all": false, "text": "x"}`,
	`{"route": "/c", "all": "yes", "text": "x"}`,
	`{"route": "/c", "text": "x"}`,
	`{"room": "a", "text": "x"}`,
	`{"route": "/c", "room": "", "text": "x"}`,
	`{"route": "/c", "room": "a", "all": true, "text": "x"}`,
	`{"route": "/c", "room": "a", "all": false, "text": "x"}`,
	`{"route": "/c", "users": [], "text": "x"}`,
	`{"route": "/c", "users": [null], "text": "x"}`,
	`{"route": "/c", "all": true, "users": [], "text": "x"}`,
	`{"route": "/c", "users": ["a", ""], "text": "x"}`,
	`{"route": "/c", "users": "a", "text": "x"}`,
	`{"route": "/c", "all": true, "text": "x", "binary": "eA=="}`,
	`{"route": "/c", "all": true, "binary": "eA"}`,
	`{"route": "/c", "all": true, "binary": "e-A="}`,
	`{"route": "/c", "all": true, "binary": [1]}`,
	`{"route": "/c", "all": true, "json": null}`,
	`{"route": "/c", "all": true, "text": "x", "key": ""}`,
	"{\"route\": \"/c\", \"all\": true, \"text\": \"\xff\"}",
	`{"route": "/c", "users": ["a"], "USERS": ["b"], "text": "x"}`,
}

// TestAPIRefuses: bodies that are not what they should be.
func TestAPIRefuses(t *testing.T) {
	h, _ := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	for _, body := range wrongPublications {
		c.want(400, "invalid_request", "POST", "publish", body)
	}
	c.want(404, "unknown_route", "POST", "publish", `{"route": "/x", "all": true, "text": "x"}`)
	c.want(413, "too_large", "POST", "publish", `{"route": "/c", "all": true, "text": "`+strings.Repeat("x", 8<<20)+`"}`)
	c.want(413, "too_large", "POST", "batch", `{"publications": [`+strings.Repeat(`{"all": true, "text": ""},`, 1000)+`{"all": true, "text": ""}]}`)
	for _, body := range []string{`{}`, `{"publications": []}`, `{"publications": null}`, `{"publications": {}}`} {
		c.want(400, "invalid_request", "POST", "batch", body)
	}
	c.want(400, "invalid_request", "POST", "plugins/reload", `{"route": "/c"}`)
	c.want(400, "invalid_request", "POST", "plugins/reload", `null`)
	c.want(400, "invalid_request", "POST", "plugins/reload", `{}`, "Idempotency-Key: k")
	c.want(400, "invalid_request", "POST", "batch", `{"publications": [{"all": true, "text": ""}]}`, "Idempotency-Key: k")
	c.want(400, "invalid_request", "GET", "openapi.json?x=1", "")
	c.post("disconnect", `{"user": "a", "code": 1001.0}`)
	c.want(400, "invalid_request", "POST", "disconnect", `{"user": "a", "code": 1001.5}`)
	c.want(404, "unknown_path", "GET", "nowhere", "")
	c.want(405, "method_not_allowed", "GET", "publish", "")
	c.want(405, "method_not_allowed", "POST", "rooms", "{}")
	c.want(405, "method_not_allowed", "DELETE", "openapi.json", "")
	c.want(200, "", "HEAD", "node", "")
}

// TestAPINamesWhatIsWrong: a member that could be meant in two ways is refused, by its name.
func TestAPINamesWhatIsWrong(t *testing.T) {
	h, ws := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	for body, name := range map[string]string{
		`{"users": ["alice"], "USERS": ["bob"], "text": "x"}`:      `"USERS"`,
		`{"users": ["alice"], "users": ["bob"], "text": "x"}`:      `"users" is there twice`,
		`{"users": ["alice"], "\u0075sers": ["bob"], "text": "x"}`: `"users" is there twice`,
		`{"all": true, "text": "\ud800"}`:                          `text: \ud800`,
		`{"all": true, "text": "\ude00\ud83d"}`:                    `text: \ude00`,
		`{"all": true, "text": "\ud83d\u0041"}`:                    `text: \ud83d`,
		`{"users": ["a\udfff"], "text": "x"}`:                      `users: \udfff`,
		`{"all": true, "text": 5}`:                                 `text: `,
		`{"all": true, "text": null}`:                              `text: null`,
	} {
		if a := c.want(400, "invalid_request", "POST", "publish", body); !strings.Contains(a["detail"].(string), name) {
			t.Errorf("%s: %v; want %s", body, a["detail"], name)
		}
	}
	ann := dialDo(t, ws+"/c", "i ann;s in")
	want(t, ann, "in")
	c.post("publish", `{"users": ["ann"], "text": "\ud83d\ude00 \\ud800"}`)
	c.post("publish", `{"users": ["ann"], "json": {"a": 1, "A": "\ud800", "a": 2}}`)
	want(t, ann, `😀 \ud800`)
	want(t, ann, `{"a":1,"A":"\ud800","a":2}`) // any JSON: it is the message's own affair
}

// TestAPIBatchOfWrongShapes: what can not be read is wrong for itself.
func TestAPIBatchOfWrongShapes(t *testing.T) {
	h, ws := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	ann := dialDo(t, ws+"/c", "i ann;s in")
	want(t, ann, "in")
	good := `{"users": ["ann"], "text": "x"}`
	wrong := []string{`{"users": ["ann"], "text": 5}`, `{"users": ["ann"], "text": "x", "x": 1}`, `1`, `null`, `[]`, `{"users": ["ann"], "users": ["bob"], "text": "x"}`}
	results := c.post("batch", `{"publications": [`+strings.Join(wrong, ", ")+`, `+good+`]}`)["results"].([]any)
	if len(results) != len(wrong)+1 {
		t.Fatalf("%v", results)
	}
	for i, r := range results[:len(wrong)] {
		if p, _ := r.(map[string]any)["error"].(map[string]any); p["code"] != "invalid_request" {
			t.Errorf("%s: %v", wrong[i], r)
		}
	}
	equalJSON(t, "the good one", results[len(wrong)], `{"delivery": {"sockets": 1, "nodes": 1}}`)
	want(t, ann, "x")
}

// TestAPIAsksForParameters: what openapi.json requires is asked for, by its name.
func TestAPIAsksForParameters(t *testing.T) {
	h, _ := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	asked := 0
	for path, methods := range c.doc.Paths {
		for _, missing := range methods["get"].Parameters {
			if !missing.Required {
				continue
			}
			asked++
			for _, given := range []url.Values{{}, {missing.Name: {""}}} {
				for _, p := range methods["get"].Parameters {
					if p.Required && p.Name != missing.Name {
						given.Set(p.Name, "/c")
					}
				}
				a := c.want(400, "invalid_request", "GET", path[1:]+"?"+given.Encode(), "")
				if !strings.Contains(a["detail"].(string), fmt.Sprintf("%q is needed", missing.Name)) {
					t.Errorf("%s?%s: %v", path, given.Encode(), a["detail"])
				}
			}
		}
	}
	if asked < 5 {
		t.Errorf("asked for %d parameters", asked)
	}
}

// TestAPIFromPages: no page of another origin can write, with or without asking first.
func TestAPIFromPages(t *testing.T) {
	h, _ := apiHost(t, host.Options{})
	c := newAPIClient(t, h)
	body := `{"all": true, "text": "x"}`
	for _, header := range []string{"Origin: https://evil.example.com", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null"} {
		c.want(403, "forbidden", "POST", "publish", body, header)
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "", "application/json/x"} {
		c.want(415, "unsupported_media_type", "POST", "publish", body, "Content-Type: "+kind)
	}
	c.want(200, "", "POST", "publish", body, "Content-Type: application/json; charset=utf-8")
	c.want(200, "", "POST", "publish", body, "Sec-Fetch-Site: same-origin")
	c.want(200, "", "POST", "publish", body, "Origin: "+c.url)
}

func TestAPIToken(t *testing.T) {
	h, _ := apiHost(t, host.Options{InternalToken: "s3cret"})
	c := newAPIClient(t, h)
	c.want(401, "unauthorized", "GET", "node", "")
	c.want(401, "unauthorized", "GET", "openapi.json", "")
	c.token = "other"
	c.want(401, "unauthorized", "POST", "publish", `{"all": true, "text": "x"}`)
	c.token = "s3cret"
	c.get("node")
	c.get("openapi.json")
	c.post("publish", `{"all": true, "text": "x"}`)
}
