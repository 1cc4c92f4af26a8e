package admin

import (
	"fmt"
	"strings"
	"testing"
)

func TestDisconnect(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	ann, bob := dialScript(t, ws, "identify ann"), dialScript(t, ws, "identify bob")
	answer := c.post("disconnect", `{"user": "ann", "code": 4001, "reason": "bye"}`)
	equalJSON(t, "user", answer, `{"sockets": 1, "nodes": 1}`)
	wantClose(t, ann, 4001, "bye")
	conns := items(c.get("connections"))
	id, _ := conns[len(conns)-1].(map[string]any)["id"].(string)
	equalJSON(t, "connection", c.post("disconnect", fmt.Sprintf(`{"conn": %q}`, id)), `{"sockets": 1, "nodes": 1}`)
	wantClose(t, bob, 1008, "")
	equalJSON(t, "nobody", c.post("disconnect", `{"user": "eve"}`), `{"sockets": 0, "nodes": 0}`)
	c.post("disconnect", `{"user": "a", "code": 1001.0}`)
	for _, body := range []string{
		`{}`, `{"user": ""}`, `{"user": "a", "conn": "n1.1"}`, `{"conn": "1"}`, `{"conn": "n1.01"}`,
		`{"user": "a", "code": 0}`, `{"user": "a", "code": 1006}`, `{"user": "a", "code": "1000"}`,
		`{"user": "a", "code": 1001.5}`,
		`{"user": "a", "route": ""}`, `{"user": "a", "reason": "` + strings.Repeat("x", 124) + `"}`,
	} {
		c.want(400, "invalid_request", "POST", "disconnect", body)
	}
	c.want(404, "unknown_route", "POST", "disconnect", `{"route": "/x", "user": "a"}`)
}
