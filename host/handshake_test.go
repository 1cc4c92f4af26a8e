package host_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// TestUpgradeFails checks that on_close runs once with 1006 if the HTTP connection cannot be upgraded after on_connect.
func TestUpgradeFails(t *testing.T) {
	f, events := recordCloses()
	h, _ := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	r := httptest.NewRequest("GET", "http://localhost/c?do="+escape("join a;identify me"), nil)
	for k, v := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if e := receive(t, events); e.code != 1006 || e.user != "me" || e.rooms != "a" {
		t.Errorf("on_close: %+v", e)
	}
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 0)
	wantMetric(t, h, `azuhost_connections_refused_total{reason="upgrade",route="/c"}`, 1)
	stop(t, h)
	if len(events) != 0 {
		t.Error("on_close ran twice")
	}
}

// TestPlainHTTP checks the answer to an HTTP request that is no WebSocket handshake.
func TestPlainHTTP(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}})
	res, err := http.Get(strings.Replace(url, "ws", "http", 1) + "/echo")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	upgrade, version := res.Header.Get("Upgrade"), res.Header.Get("Sec-WebSocket-Version")
	if res.StatusCode != 426 || upgrade != "websocket" || version != "13" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, b)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestQueueFullInOnConnect checks that a connection whose on_connect sends more than the queue holds is closed as a
// slow reader.
func TestQueueFullInOnConnect(t *testing.T) {
	f, events := recordCloses()
	f.OnConnect = func(env host.Env, conn host.ConnID) error {
		message := make([]byte, 1<<10)
		return errors.Join(env.Send(conn, abi.Binary, message), env.Send(conn, abi.Binary, message))
	}
	r := host.Route{Path: "/c", Channel: f, Limits: host.Limits{MaxQueue: 1 << 10}}
	_, url := serve(t, host.Options{Routes: []host.Route{r}})
	_ = dial(t, url+"/c")
	if e := receive(t, events); e.code != 1008 {
		t.Errorf("closed with %d %q", e.code, e.reason)
	}
}

// TestParamNames checks that path parameters are names of rooms: others are refused with 400, and paths that do not
// match with 404.
func TestParamNames(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/r/:room", Channel: roomInGo(false)}}})
	for _, p := range []string{"a%00", "a%0Ab", "%FF", strings.Repeat("x", 256)} {
		wantStatus(t, refused(t, url+"/r/"+p), http.StatusBadRequest)
	}
	wantMetric(t, h, `azuhost_connections_refused_total{reason="param",route="/r/:room"}`, 4)
	for _, p := range []string{"", "a/b"} {
		wantStatus(t, refused(t, url+"/r/"+p), http.StatusNotFound)
	}
	do(t, dial(t, url+"/r/"+strings.Repeat("%C3%A9", 127)), "x", "x")
}
