package admin

import (
	"strings"
	"testing"
)

// wrongPublications are bodies that publish refuses.
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

func TestInvalidBodies(t *testing.T) {
	_, _, c := newAPI(t, Options{})
	for _, body := range wrongPublications {
		c.want(400, "invalid_request", "POST", "publish", body)
	}
	for _, body := range []string{`{}`, `{"publications": []}`, `{"publications": null}`, `{"publications": {}}`} {
		c.want(400, "invalid_request", "POST", "batch", body)
	}
	c.want(400, "invalid_request", "POST", "plugins/reload", `{"route": "/c"}`)
	c.want(400, "invalid_request", "POST", "plugins/reload", `null`)
	c.want(404, "unknown_route", "POST", "publish", `{"route": "/x", "all": true, "text": "x"}`)
	long := strings.Repeat("x", 8<<20)
	c.want(413, "too_large", "POST", "publish", `{"route": "/c", "all": true, "text": "`+long+`"}`)
	const p = `{"all": true, "text": ""}`
	c.want(413, "too_large", "POST", "batch", `{"publications": [`+strings.Repeat(p+",", 1000)+p+`]}`)
}

// TestErrorsNameTheMember checks that a member that could be read in two ways is refused by its name.
func TestErrorsNameTheMember(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	for body, name := range map[string]string{
		`{"users": ["alice"], "USERS": ["bob"], "text": "x"}`:      `"USERS"`,
		`{"users": ["alice"], "users": ["bob"], "text": "x"}`:      `"users" is given twice`,
		`{"users": ["alice"], "\u0075sers": ["bob"], "text": "x"}`: `"users" is given twice`,
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
	ann := dialScript(t, ws, "identify ann")
	c.post("publish", `{"users": ["ann"], "text": "\ud83d\ude00 \\ud800"}`)
	c.post("publish", `{"users": ["ann"], "json": {"a": 1, "A": "\ud800", "a": 2}}`)
	wantMessage(t, ann, `😀 \ud800`)
	wantMessage(t, ann, `{"a":1,"A":"\ud800","a":2}`) // json may hold any JSON
}
