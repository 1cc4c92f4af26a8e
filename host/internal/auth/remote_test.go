package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// issuer answers fetches, without a network.
type issuer struct {
	mu      sync.Mutex
	set     []byte
	header  string // Cache-Control
	err     error
	fetches int
}

func (s *issuer) RoundTrip(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches++
	if s.err != nil {
		return nil, s.err
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Cache-Control": {s.header}}, Body: io.NopCloser(strings.NewReader(string(s.set)))}, nil
}

func (s *issuer) is(set []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.err = set, err
}

func (s *issuer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// TestRotation: a new key is fetched when the first token names it, and one that
// is not in the set any more is not good any more.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{set: jwks(map[string]any{"old": edKey().Public()})}
		v := verifier(t, Options{JWKSURL: "https://issuer.example/keys", transport: s})
		old := func() string { return sign(t, EdDSA, edKey(), claimsOf(nil), map[string]any{"kid": "old"}) }
		new := func() string { return sign(t, ES256, ecKey(), claimsOf(nil), map[string]any{"kid": "new"}) }
		want(t, v, old(), "") // waits for the first fetch
		want(t, v, new(), UnknownKey)
		if n := s.count(); n != 2 {
			t.Errorf("%d fetches, want the first and one for the unknown key", n)
		}
		s.is(jwks(map[string]any{"old": edKey().Public(), "new": ecKey().Public()}), nil)
		want(t, v, new(), UnknownKey) // it was fetched a moment ago
		time.Sleep(unknownEvery)
		want(t, v, new(), "")
		want(t, v, old(), "")
		s.is(jwks(map[string]any{"new": ecKey().Public()}), nil)
		time.Sleep(refreshUsual)
		synctest.Wait()
		want(t, v, new(), "")
		want(t, v, old(), UnknownKey)
	})
}

// TestUnknownKeysAreNoFlood: however many tokens name keys that do not exist, the
// issuer gets few requests.
func TestUnknownKeysAreNoFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{set: jwks(map[string]any{"good": edKey().Public()})}
		v := verifier(t, Options{JWKSURL: "https://issuer.example/keys", Refresh: time.Hour, transport: s})
		good := sign(t, EdDSA, edKey(), claimsOf(map[string]any{"exp": time.Now().Add(time.Hour).Unix()}), map[string]any{"kid": "good"})
		var wait sync.WaitGroup
		for i := range 1000 {
			token := sign(t, EdDSA, edKey(), claimsOf(nil), map[string]any{"kid": fmt.Sprint("kid", i)})
			wait.Go(func() { want(t, v, token, UnknownKey) })
			if i%100 == 0 {
				time.Sleep(time.Second)
				want(t, v, good, "")
			}
		}
		wait.Wait()
		if n := s.count(); n > 3 {
			t.Errorf("1000 tokens in 10 s made %d fetches", n)
		}
	})
}

// TestIssuerDown: at the start nothing is good, and the reason is not the token's;
// later the keys hold for max_stale.
func TestIssuerDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{err: errors.New("connection refused")}
		var told []bool
		var log strings.Builder
		v := verifier(t, Options{
			JWKSURL: "https://issuer.example/keys?secret=1", MaxStale: time.Hour, Refresh: time.Minute, transport: s,
			Log: slog.New(slog.NewTextHandler(&log, nil)), Refreshed: func(ok bool) { told = append(told, ok) },
		})
		token := sign(t, EdDSA, edKey(), claimsOf(map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()}), map[string]any{"kid": "a"})
		want(t, v, token, Unavailable)
		if st, ok := v.Status(); !ok || !st.Stale || !st.Fetched.IsZero() || st.Err == nil {
			t.Errorf("status %+v", st)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.count(); n < 5 || n > 12 {
			t.Errorf("%d tries in a minute", n)
		}
		s.is(jwks(map[string]any{"a": edKey().Public()}), nil)
		time.Sleep(retryMost)
		synctest.Wait()
		want(t, v, token, "")
		s.is(nil, errors.New("connection refused"))
		time.Sleep(58 * time.Minute)
		want(t, v, token, "")
		time.Sleep(3 * time.Minute)
		want(t, v, token, Unavailable)
		s.is([]byte(`{"keys":[]}`), nil) // an answer that is no good changes nothing
		time.Sleep(retryMost)
		synctest.Wait()
		want(t, v, token, Unavailable)
		s.is(jwks(map[string]any{"a": edKey().Public()}), nil)
		time.Sleep(retryMost)
		synctest.Wait()
		want(t, v, token, "")
		if st, _ := v.Status(); st.Stale || st.Err != nil {
			t.Errorf("status %+v", st)
		}
		if len(told) != s.count() || told[0] || !told[len(told)-1] {
			t.Errorf("told %v", told)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 || strings.Contains(log.String(), "secret=1") {
			t.Errorf("%d errors in the log, want one for each time that it broke, without the query:\n%s", n, log.String())
		}
	})
}

// TestRenew: other options begin with the keys that are there, as old as they are,
// where the URL is the same.
func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{set: jwks(map[string]any{"a": edKey().Public()})}
		o := Options{JWKSURL: "https://issuer.example/keys", Issuer: "me", Audience: []string{"others"}, MaxStale: time.Hour, transport: s}
		token := sign(t, EdDSA, edKey(), claimsOf(map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()}), map[string]any{"kid": "a"})
		unknown := sign(t, EdDSA, edKey(), claimsOf(nil), map[string]any{"kid": "b"})
		old := verifier(t, o)
		want(t, old, token, Audience)
		want(t, old, unknown, UnknownKey)
		s.is(nil, errors.New("connection refused"))
		renew := func(old *Verifier, o Options) *Verifier {
			v, err := old.Renew(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(v.Close)
			return v
		}
		o.Audience = []string{"you"}
		v := renew(old, o)
		want(t, v, token, "")
		before := s.count()
		want(t, v, unknown, UnknownKey)
		if n := s.count() - before; n > 1 { // the first fetch of v
			t.Errorf("%d fetches: there was one for an unknown key a moment ago", n)
		}
		time.Sleep(30 * time.Minute)
		old.Close()
		v = renew(v, o)
		want(t, v, token, "")
		time.Sleep(31 * time.Minute)
		want(t, v, token, Unavailable)
		s.is(jwks(map[string]any{"a": edKey().Public()}), nil)
		time.Sleep(retryMost)
		synctest.Wait()
		want(t, v, token, "")

		s.is(nil, errors.New("connection refused"))
		o.JWKSURL = "https://issuer.example/others"
		want(t, renew(v, o), token, Unavailable)
		fixed := renew(v, Options{Secret: testSecret, Issuer: "me", Audience: []string{"you"}})
		want(t, fixed, sign(t, HS256, testSecret, claimsOf(nil), nil), "")
		want(t, renew(nil, Options{Secret: testSecret}), token, Algorithm)
	})
}

func TestCacheControl(t *testing.T) {
	for header, d := range map[string]time.Duration{
		"": 0, "public": 0, "max-age=600": 10 * time.Minute, "public, MAX-AGE=\"600\"": 10 * time.Minute,
		"max-age=1": time.Minute, "max-age=0": time.Minute, "no-store": time.Minute, "no-cache, max-age=600": time.Minute,
		"max-age=-1": 0, "max-age=x": 0, "max-age=99999999999999": 0, "s-maxage=600": 0,
	} {
		if got := maxAge(header); got != d {
			t.Errorf("%q: got %s, want %s", header, got, d)
		}
	}
	for header, most := range map[string]time.Duration{"": refreshUsual, "max-age=120": 2 * time.Minute, "max-age=1": time.Minute, "max-age=86400": time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := &issuer{set: jwks(map[string]any{"a": edKey().Public()}), header: header}
			verifier(t, Options{JWKSURL: "https://issuer.example/keys", transport: s})
			synctest.Wait()
			time.Sleep(most * 89 / 100)
			synctest.Wait()
			before := s.count()
			time.Sleep(most * 12 / 100)
			synctest.Wait()
			if before != 1 || s.count() != 2 {
				t.Errorf("%q: %d fetches before its time, %d after", header, before, s.count())
			}
		})
	}
}

// TestFetch: what a server may answer, over real connections.
func TestFetch(t *testing.T) {
	good := jwks(map[string]any{"a": edKey().Public()})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("the other host got a request")
		_, _ = w.Write(good)
	}))
	defer other.Close()
	hang := make(chan struct{})
	mux := http.NewServeMux()
	answer := func(path string, f http.HandlerFunc) { mux.HandleFunc(path, f) }
	answer("/good", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good) })
	answer("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good", http.StatusFound) })
	answer("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	answer("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	answer("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	answer("/error", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, string(good), http.StatusInternalServerError)
	})
	answer("/html", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	answer("/large", func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 10 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	answer("/secret", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwks(map[string]any{"a": testSecret})) })
	answer("/private", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwks(map[string]any{"a": edKey()})) })
	answer("/hang", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(hang)

	token := sign(t, EdDSA, edKey(), claimsOf(nil), map[string]any{"kid": "a"})
	for path, text := range map[string]string{
		"/good": "", "/moved": "", "/round": "too many redirects", "/away": "another host", "/file": "another host", "/error": "status 500",
		"/html": "not a JWKS", "/large": "more than", "/secret": "no key of the JWKS can be used", "/private": "not a public key", "/none": "status 404",
	} {
		v := verifier(t, Options{JWKSURL: server.URL + path})
		if text == "" {
			want(t, v, token, "")
			continue
		}
		want(t, v, token, Unavailable)
		if st, _ := v.Status(); st.Err == nil || !strings.Contains(st.Err.Error(), text) {
			t.Errorf("%s: got %v, want %s", path, st.Err, text)
		}
	}

	// A server that nobody vouches for is none, and there is no option to trust it.
	tls := httptest.NewUnstartedServer(mux)
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	tls.StartTLS()
	defer tls.Close()
	unknown := verifier(t, Options{JWKSURL: tls.URL + "/good"})
	want(t, unknown, token, Unavailable)
	if st, _ := unknown.Status(); st.Err == nil || !strings.Contains(st.Err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", st.Err)
	}

	// Who asks is not held up longer than he wants, and Close does not wait either.
	v := verifier(t, Options{JWKSURL: server.URL + "/hang"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, token); err == nil || !strings.Contains(err.Error(), string(Unavailable)) {
		t.Errorf("got %v", err)
	}
	v.Close()
	want(t, v, token, Unavailable)
}

func TestOptionsRefused(t *testing.T) {
	short := []byte("too short")
	pem := publicPEM(edKey().Public())
	for _, c := range []struct {
		o    Options
		text string
	}{
		{Options{}, "nothing to check tokens with"},
		{Options{Secret: testSecret, JWKSFile: "x"}, "set one of them only"},
		{Options{Secret: short}, "at least 32"},
		{Options{SecretFile: file(t, short)}, "at least 32"},
		{Options{SecretFile: "/does/not/exist"}, "no such file"},
		{Options{Secret: testSecret, Algorithms: []string{"none"}}, `algorithm "none"`},
		{Options{Secret: testSecret, Algorithms: []string{"HS512"}}, `algorithm "HS512"`},
		{Options{Secret: testSecret, Algorithms: []string{RS256}}, "needs a public key"},
		{Options{PublicKeyFile: file(t, pem), Algorithms: []string{HS256}}, "needs a secret"},
		{Options{PublicKeyFile: file(t, pem), Algorithms: []string{RS256}}, "the keys are for"},
		{Options{PublicKeyFile: file(t, []byte("x"))}, "BEGIN PUBLIC KEY"},
		{Options{PublicKeyFile: file(t, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))}, "openssl pkey -pubout"},
		{Options{JWKSFile: file(t, []byte("{}"))}, "no key of the JWKS"},
		{Options{JWKSFile: file(t, jwks(map[string]any{"a": edKey()}))}, "not a public key"},
		{Options{PublicKeyFile: file(t, bytes.Repeat(pem, maxKeys+1))}, "65 PEM blocks: want at most 64"},
		{Options{PublicKeyFile: file(t, append(pem, pem[:60]...))}, "1 of 2 PEM blocks can not be read"},
		{Options{PublicKeyFile: file(t, append([]byte("-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n"), pem...))}, "1 of 2 PEM blocks can not be read"},
		{Options{JWKSURL: "http://issuer.example/keys", Issuer: "me", Audience: []string{"you"}}, "want https"},
		{Options{JWKSURL: "ftp://localhost/keys", Issuer: "me", Audience: []string{"you"}}, "want https"},
		{Options{JWKSURL: "file:///etc/keys", Issuer: "me", Audience: []string{"you"}}, "want a URL"},
		{Options{JWKSURL: "https://issuer.example/keys"}, "needs issuer and audience"},
		{Options{Secret: testSecret, Audience: []string{""}}, "audience is empty"},
		{Options{Secret: testSecret, MaxToken: -1}, "MaxToken"},
		{Options{Secret: testSecret, Query: "a b"}, "query and cookie"},
	} {
		v, err := New(c.o)
		if err == nil {
			v.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("got %v, want %q", err, c.text)
		}
	}
}
