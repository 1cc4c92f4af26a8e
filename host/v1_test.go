package host_test

import (
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestControlMessages checks the answers to invalid and valid control messages, and the escape of data.
func TestControlMessages(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(t, url+"/rooms/a")
	wantControl(t, c, "joined")
	for text, code := range map[string]string{
		"":                               "INVALID",
		"{":                              "INVALID",
		"[]":                             "INVALID",
		`{"type":"ping"} x`:              "INVALID",
		`{"type":1}`:                     "INVALID",
		`{"type":"dance"}`:               "UNKNOWN_TYPE",
		`{"type":"recover"}`:             "INVALID",
		`{"type":"presence"}`:            "INVALID",
		`{"type":"presence","room":"b"}`: "NOT_MEMBER",
		`{"type":"recover","room":"b","epoch":"e","offset":1}`:  "NOT_MEMBER",
		`{"type":"recover","room":"a","epoch":"e","offset":-1}`: "INVALID",
	} {
		request(t, c, "%s", text)
		if e := wantControl(t, c, "error"); e.Code != code {
			t.Errorf("%s: %s, want %s", text, e.Code, code)
		}
	}
	request(t, c, `{"type":"ping","id":3}`)
	if p := wantControl(t, c, "pong"); p.ID != 3 {
		t.Errorf("pong: %+v", p)
	}
	send(t, c, "\x1e\x1edata")
	wantControl(t, c, "position")
	want(t, c, "\x1e\x1edata")
	wantMetric(t, h, `azuhost_messages_received_total{kind="text",route="/rooms/:room"}`, 1)
	// Control messages mean nothing without the subprotocol.
	do(t, dial(t, url+"/rooms/b"), "\x1e{}", "\x1e{}")
}

// FuzzControl checks that every control message is answered.
func FuzzControl(f *testing.F) {
	f.Add(`{"type":"recover","id":1,"room":"a","epoch":"e","offset":0,"conn":"one.1"}`)
	f.Add(`{"type":"presence","room":"\u001e","watch":true}`)
	_, url := serve(f, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(f, url+"/rooms/a")
	wantControl(f, c, "joined")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "\x1e") || strings.ToValidUTF8(text, "") != text {
			t.Skip()
		}
		request(t, c, "%s", text)
		for { // until the answer
			_, b, err := c.Read(testContext(t))
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if len(b) > 0 && b[0] == 0x1e && !strings.Contains(string(b), `"position"`) {
				return
			}
		}
	})
}
