package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestProfilesAreLimited checks that every profile that takes seconds has a limit.
func TestProfilesAreLimited(t *testing.T) {
	h, _ := newHost(t)
	s := newServer(t, h, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, name := range []string{"profile", "trace", "heap", "goroutine"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "http://localhost/debug/pprof/"+name+"?seconds=301", nil))
		if w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// TestLimitSeconds sends seconds in the query and in a form.
func TestLimitSeconds(t *testing.T) {
	ran := false
	profile := limitSeconds(func(http.ResponseWriter, *http.Request) { ran = true })
	for seconds, runs := range map[string]bool{
		"": true, "1": true, "300": true, "0.5": true, "-1": true, "soon": true,
		"301": false, "300.1": false, "99999": false, "99999999999999999999": false, "1e9": false, "NaN": false, "Inf": false,
	} {
		for _, r := range []*http.Request{
			httptest.NewRequest("GET", "/debug/pprof/trace?seconds="+seconds, nil),
			httptest.NewRequest("POST", "/debug/pprof/trace", strings.NewReader("seconds="+seconds)),
		} {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			ran = false
			w := httptest.NewRecorder()
			profile(w, r)
			if ran != runs || !runs && (w.Code != 400 || !strings.Contains(w.Body.String(), "at most 300")) {
				t.Errorf("%s seconds=%s: ran %v, %d %s", r.Method, seconds, ran, w.Code, w.Body)
			}
		}
	}
}
