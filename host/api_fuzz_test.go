package host

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/internal/naming"
)

// FuzzPublication: a body is refused, or gives a message that can be sent.
func FuzzPublication(f *testing.F) {
	for _, body := range []string{
		`{"route": "/c", "room": "a", "text": "x"}`, `{"all": true, "binary": "AP8=", "key": "k"}`, `{"users": ["a"], "json": {"a": [1, null]}}`,
		`{"all": true, "text": null}`, `{"all": true, "ALL": true, "text": "\ud83d\ude00\ud800"}`, `{"all": true, "all": false, "text": ""} {}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a apiPublication
		if !utf8.Valid(body) || decodeObject(body, &a) != nil {
			return
		}
		p, err := a.publication()
		if err != nil {
			return
		}
		switch {
		case !json.Valid(body):
			t.Errorf("accepted %q, which is no JSON", body)
		case a.JSON.set && !json.Valid(p.Data), !a.Binary.set && !utf8.Valid(p.Data):
			t.Errorf("%q gives %q", body, p.Data)
		}
	})
}

// FuzzOnPublish: the event of on_publish comes apart as it was put together.
func FuzzOnPublish(f *testing.F) {
	f.Add("room", "", []byte("x\ny"))
	f.Add("", "user", []byte{})
	f.Add("", "", []byte("\n\n"))
	f.Fuzz(func(t *testing.T, room, user string, data []byte) {
		to := Target{Room: room, User: user}
		if room != "" && (user != "" || !naming.Valid(room)) || user != "" && !naming.Valid(user) {
			return
		}
		got, rest := splitPublish(to.appendEvent(nil, data))
		if got != to || !bytes.Equal(rest, data) {
			t.Errorf("%+v %q came back as %+v %q", to, data, got, rest)
		}
	})
}
