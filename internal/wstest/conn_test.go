package wstest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestConn sends messages of each length encoding to a server that echoes them.
func TestConn(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Test") == "" {
			http.Error(w, "no header", http.StatusForbidden)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		for {
			kind, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, p); err != nil {
				t.Error(err)
			}
		}
	}))
	defer s.Close()
	address := "ws" + strings.TrimPrefix(s.URL, "http")
	if status := DialStatus(t, address, "/"); status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
	c := Dial(t, address, "/", "X-Test: yes")
	for _, n := range []int{0, 125, 126, 65_535, 65_536} {
		text := strings.Repeat("x", n)
		if err := c.WriteText(text); err != nil {
			t.Fatal(err)
		}
		if p, err := c.ReadFrame(); err != nil || string(p) != text {
			t.Fatalf("%d bytes: got %d, %v", n, len(p), err)
		}
	}
	_ = c.Close()
}
