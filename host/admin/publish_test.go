package admin

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host"
)

func TestPublish(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	ann, bob := dialScript(t, ws, "identify ann;join room"), dialScript(t, ws, "identify bob")
	for _, p := range []struct{ body, answer string }{
		{`{"route": "/c", "room": "room", "text": "to the room"}`, `{"sockets": 1, "nodes": 1}`},
		{`{"route": "/c", "all": true, "binary": "AP8="}`, `{"sockets": 2, "nodes": 1}`},
		{`{"users": ["ann", "bob", "eve"], "json": {"type": "news", "id" : 1.50}}`, `{"sockets": 2, "nodes": 1}`},
		{`{"route": "/c", "users": ["eve"], "text": ""}`, `{"sockets": 0, "nodes": 0}`},
	} {
		equalJSON(t, p.body, c.post("publish", p.body), p.answer)
	}
	for _, m := range []string{"to the room", "\x00\xff", `{"type":"news","id":1.50}`} {
		wantMessage(t, ann, m)
	}
	for _, m := range []string{"\x00\xff", `{"type":"news","id":1.50}`} {
		wantMessage(t, bob, m)
	}
}

// TestPublishKey sends the key in the header and in the body.
func TestPublishKey(t *testing.T) {
	_, ws, c := newAPI(t, Options{})
	ann := dialScript(t, ws, "identify ann;join room")
	body := `{"route": "/c", "room": "room", "text": "once"}`
	withKey := `{"route": "/c", "room": "room", "text": "once", "key": "k1"}`
	equalJSON(t, "first", c.post("publish", body, "Idempotency-Key: k1"), `{"sockets": 1, "nodes": 1}`)
	equalJSON(t, "again", c.post("publish", body, "Idempotency-Key: k1"), `{"sockets": 1, "nodes": 1, "duplicate": true}`)
	equalJSON(t, "in the body", c.post("publish", withKey), `{"sockets": 1, "nodes": 1, "duplicate": true}`)
	c.want(422, "key_reused", "POST", "publish", `{"route": "/c", "room": "room", "text": "twice"}`, "Idempotency-Key: k1")
	otherKey := `{"route": "/c", "room": "room", "text": "x", "key": "k2"}`
	c.want(400, "invalid_request", "POST", "publish", otherKey, "Idempotency-Key: k3")
	wantMetric(t, c.server, `azuhost_api_requests_total{operation="publish",status="422"} 1`)
	c.post("publish", `{"route": "/c", "room": "room", "text": "last"}`)
	wantMessage(t, ann, "once")
	wantMessage(t, ann, "last")
}

// TestOnPublish checks the answers for what on_publish of a plugin does.
func TestOnPublish(t *testing.T) {
	h, ws, c := newAPI(t, Options{})
	ann := dial(t, ws+"/p/ann")
	eventually(t, "ann is online", func() bool {
		online, err := h.Online(t.Context(), "/p/:name", "ann")
		return online && err == nil
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
	wantMessage(t, ann, "*hanged")
}

// TestPublishKeySpent checks that a publication with a key that failed after a part of it was sent is not repeated,
// and that one of which nothing was sent is.
func TestPublishKeySpent(t *testing.T) {
	var asked []string
	h, ws := newHost(t, scriptRoute(&asked))
	c := newClient(t, newServer(t, h, Options{}))
	ann := dialScript(t, ws, "identify ann")
	for _, tc := range []struct {
		user   string
		status int
		code   string
	}{
		{"refused", 403, "refused"},
		{"fails", 500, "hook_failed"},
	} {
		body := fmt.Sprintf(`{"route": "/c", "users": ["ann", %q], "text": "x", "key": %q}`, tc.user, tc.user)
		for _, again := range []bool{false, true} {
			asked = nil
			delivery := object(c.want(tc.status, "key_spent", "POST", "publish", body), "delivery")
			if delivery["sockets"] != 1.0 || (delivery["duplicate"] == true) != again || (len(asked) == 0) != again {
				t.Errorf("%s, again %t: %v, asked about %q", tc.user, again, delivery, asked)
			}
		}
		wantMessage(t, ann, "x")
		body = fmt.Sprintf(`{"route": "/c", "users": [%q], "text": "x", "key": "nothing sent"}`, tc.user)
		for range 2 {
			asked = nil
			if c.want(tc.status, tc.code, "POST", "publish", body); len(asked) != 1 {
				t.Errorf("%s: asked about %q", tc.user, asked)
			}
		}
	}
}

// FuzzPublication checks that a body is refused or gives a message that can be sent.
func FuzzPublication(f *testing.F) {
	for _, body := range []string{
		`{"route": "/c", "room": "a", "text": "x"}`,
		`{"all": true, "binary": "AP8=", "key": "k"}`,
		`{"users": ["a"], "json": {"a": [1, null]}}`,
		`{"all": true, "text": null}`,
		`{"all": true, "ALL": true, "text": "\ud83d\ude00\ud800"}`,
		`{"all": true, "all": false, "text": ""} {}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p publication
		if !utf8.Valid(body) || decodeObject(body, &p) != nil {
			return
		}
		message, err := p.toHost()
		if err != nil {
			return
		}
		switch {
		case !json.Valid(body):
			t.Errorf("accepted %q, which is not JSON", body)
		case p.JSON.set && !json.Valid(message.Data), !p.Binary.set && !utf8.Valid(message.Data):
			t.Errorf("%q gives %q", body, message.Data)
		}
	})
}

// TestFailedHookIsLoggedOnce checks that a publication whose on_publish fails or panics writes one line to the log,
// which is bounded whatever the text of the plugin.
func TestFailedHookIsLoggedOnce(t *testing.T) {
	for _, user := range []string{"fails", "panics"} {
		var log strings.Builder
		logger := slog.New(slog.NewTextHandler(&log, nil))
		h, err := host.New(host.Options{Log: logger, Routes: []host.Route{scriptRoute(new([]string))}})
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(t, h, Options{Log: logger})
		r := httptest.NewRequest("POST", "http://localhost/api/v1/publish",
			strings.NewReader(`{"users": ["`+user+`"], "text": "x"}`))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		closeHost(t, h)
		if w.Code != 500 || strings.Count(log.String(), "\n") != 1 || log.Len() > 9<<10 {
			t.Errorf("%s: status %d %s, log of %d bytes:\n%.1000s", user, w.Code, w.Body, log.Len(), log.String())
		}
	}
}
