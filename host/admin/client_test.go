package admin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// client sends requests to the API. It compares every request and answer with openapi.json: the API has to refuse the
// requests that the document does not allow.
type client struct {
	t      *testing.T
	server *Server
	url    string
	token  string
	doc    *document
}

func newClient(t *testing.T, s *Server) *client {
	t.Helper()
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	return &client{t: t, server: s, url: listener.URL, doc: readDocument(t)}
}

// send sends a request and returns the answer. The headers have the form "Name: value".
func (c *client) send(method, path, body string, headers ...string) (status int, answer map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+apiPath+path, strings.NewReader(body))
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
	c.doc.validate(c.t, exchange{req, body, res, b})
	if err := json.Unmarshal(b, &answer); err != nil && method != "HEAD" {
		c.t.Errorf("%s %s: %v: %s", method, path, err, b)
	}
	return res.StatusCode, answer
}

// want sends a request and compares the status of the answer and, if code is not empty, its code.
func (c *client) want(status int, code, method, path, body string, headers ...string) map[string]any {
	c.t.Helper()
	got, answer := c.send(method, path, body, headers...)
	if got != status || code != "" && answer["code"] != code {
		c.t.Errorf("%s %s %s: %d %v; want %d %s", method, path, body, got, answer, status, code)
	}
	isProblem := answer["status"] == float64(status) && answer["title"] != "" && answer["detail"] != ""
	if status >= 400 && method != "HEAD" && !isProblem {
		c.t.Errorf("%s %s %s: the problem %v", method, path, body, answer)
	}
	return answer
}

// get sends GET and wants 200.
func (c *client) get(path string) map[string]any {
	c.t.Helper()
	return c.want(200, "", "GET", path, "")
}

// post sends POST and wants 200.
func (c *client) post(path, body string, headers ...string) map[string]any {
	c.t.Helper()
	return c.want(200, "", "POST", path, body, headers...)
}

// items returns the items of a list.
func items(answer map[string]any) []any {
	list, _ := answer["items"].([]any)
	return list
}

// object returns a member of a JSON value that is an object. nil: there is none.
func object(v any, name string) map[string]any {
	o, _ := v.(map[string]any)
	member, _ := o[name].(map[string]any)
	return member
}

// equalJSON compares an answer with a JSON text.
func equalJSON(t *testing.T, what string, got any, want string) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		t.Fatal(err)
	}
	normal, _ := json.Marshal(v)
	if string(b) != string(normal) {
		t.Errorf("%s: %s\nwant %s", what, b, normal)
	}
}
