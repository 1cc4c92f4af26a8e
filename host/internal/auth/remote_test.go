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

// issuer is a transport that answers fetches without a network.
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
	body := io.NopCloser(bytes.NewReader(s.set))
	return &http.Response{StatusCode: 200, Header: http.Header{"Cache-Control": {s.header}}, Body: body}, nil
}

// respondWith sets the response to further fetches.
func (s *issuer) respondWith(set []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.err = set, err
}

func (s *issuer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// TestRotation: a new key is fetched when the first token names it, and a key that is removed from the set is refused.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{set: jwks(map[string]any{"old": edKey().Public()})}
		v := verifier(t, Options{JWKSURL: "https://issuer.example/keys", transport: s})
		old := func() string { return sign(t, EdDSA, edKey(), claimsOf(nil), withKid("old")) }
		new := func() string { return sign(t, ES256, ecKey(), claimsOf(nil), withKid("new")) }
		want(t, v, old(), "") // waits for the first fetch
		want(t, v, new(), UnknownKey)
		if n := s.count(); n != 2 {
			t.Errorf("%d fetches, want the first and one for the unknown key", n)
		}
		s.respondWith(jwks(map[string]any{"old": edKey().Public(), "new": ecKey().Public()}), nil)
		want(t, v, new(), UnknownKey) // the rate limiter forbids another fetch
		time.Sleep(renewInterval)
		want(t, v, new(), "")
		want(t, v, old(), "")
		s.respondWith(jwks(map[string]any{"new": ecKey().Public()}), nil)
		time.Sleep(refreshDefault)
		synctest.Wait()
		want(t, v, new(), "")
		want(t, v, old(), UnknownKey)
	})
}

// TestReplacedKey: a key that replaces another one under the same kid, or without a kid, is fetched when the first
// token of it comes. Tokens with bad signatures make few fetches.
func TestReplacedKey(t *testing.T) {
	for name, kid := range map[string]string{"same kid": "k", "no kid": ""} {
		for kind, replacement := range map[string]struct {
			alg    string
			public any
			token  func(t *testing.T) string
		}{
			"same type": {EdDSA, otherEdKey().Public(), func(t *testing.T) string {
				return sign(t, EdDSA, otherEdKey(), claimsOf(nil), withKid(kid))
			}},
			"other type": {ES256, ecKey().Public(), func(t *testing.T) string {
				return sign(t, ES256, ecKey(), claimsOf(nil), withKid(kid))
			}},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &issuer{set: jwks(map[string]any{kid: edKey().Public()})}
					v := verifier(t, Options{JWKSURL: "https://issuer.example/keys", transport: s})
					old := sign(t, EdDSA, edKey(), claimsOf(nil), withKid(kid))
					want(t, v, old, "")
					s.respondWith(jwks(map[string]any{kid: replacement.public}), nil)
					want(t, v, replacement.token(t), "")
					if n := s.count(); n != 2 {
						t.Errorf("%d fetches, want 2", n)
					}
					for range 100 { // the rate limiter forbids more
						if _, err := v.Verify(t.Context(), old); err == nil {
							t.Error("the replaced key is still used")
						}
					}
					if n := s.count(); n != 2 {
						t.Errorf("%d fetches after bad signatures, want 2", n)
					}
				})
			})
		}
	}
}

// TestFewFetchesForUnknownKeys: many tokens with unknown keys cause few fetches.
func TestFewFetchesForUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{set: jwks(map[string]any{"good": edKey().Public()})}
		v := verifier(t, Options{JWKSURL: "https://issuer.example/keys", Refresh: time.Hour, transport: s})
		claims := claimsOf(map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
		good := sign(t, EdDSA, edKey(), claims, withKid("good"))
		var wait sync.WaitGroup
		for i := range 1000 {
			token := sign(t, EdDSA, edKey(), claimsOf(nil), withKid(fmt.Sprint("kid", i)))
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

// TestIssuerDown: before the first successful fetch all tokens are refused as Unavailable. Afterwards the keys are used
// for MaxStale.
func TestIssuerDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{err: errors.New("connection refused")}
		var fetches []bool
		var log strings.Builder
		v := verifier(t, Options{
			JWKSURL: "https://issuer.example/keys?secret=1", MaxStale: time.Hour, Refresh: time.Minute, transport: s,
			Log: slog.New(slog.NewTextHandler(&log, nil)), OnFetch: func(ok bool) { fetches = append(fetches, ok) },
		})
		claims := claimsOf(map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()})
		token := sign(t, EdDSA, edKey(), claims, withKid("a"))
		want(t, v, token, Unavailable)
		if st, ok := v.Status(); !ok || !st.Stale || !st.Fetched.IsZero() || st.Err == nil {
			t.Errorf("status %+v", st)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.count(); n < 5 || n > 12 {
			t.Errorf("%d fetches in a minute", n)
		}
		s.respondWith(jwks(map[string]any{"a": edKey().Public()}), nil)
		time.Sleep(retryMax)
		synctest.Wait()
		want(t, v, token, "")
		s.respondWith(nil, errors.New("connection refused"))
		time.Sleep(58 * time.Minute)
		want(t, v, token, "")
		time.Sleep(3 * time.Minute)
		want(t, v, token, Unavailable)
		s.respondWith([]byte(`{"keys":[]}`), nil) // a set without keys does not replace the others
		time.Sleep(retryMax)
		synctest.Wait()
		want(t, v, token, Unavailable)
		s.respondWith(jwks(map[string]any{"a": edKey().Public()}), nil)
		time.Sleep(retryMax)
		synctest.Wait()
		want(t, v, token, "")
		if st, _ := v.Status(); st.Stale || st.Err != nil {
			t.Errorf("status %+v", st)
		}
		if len(fetches) != s.count() || fetches[0] || !fetches[len(fetches)-1] {
			t.Errorf("OnFetch calls: %v", fetches)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
			t.Errorf("%d errors in the log, want one for each outage:\n%s", n, log.String())
		}
		if strings.Contains(log.String(), "secret=1") {
			t.Errorf("the log has the query of the URL:\n%s", log.String())
		}
	})
}

// TestRenew: a renewed Verifier starts with the keys of the old one, and their age, if the URL is the same.
func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &issuer{set: jwks(map[string]any{"a": edKey().Public()})}
		o := Options{
			JWKSURL: "https://issuer.example/keys", Issuer: "me", Audience: []string{"others"}, MaxStale: time.Hour,
			transport: s,
		}
		claims := claimsOf(map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()})
		token := sign(t, EdDSA, edKey(), claims, withKid("a"))
		unknown := sign(t, EdDSA, edKey(), claimsOf(nil), withKid("b"))
		old := verifier(t, o)
		want(t, old, token, Audience)
		want(t, old, unknown, UnknownKey)
		s.respondWith(nil, errors.New("connection refused"))
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
			t.Errorf("%d fetches, want 1: the old Verifier fetched for an unknown key just before", n)
		}
		time.Sleep(30 * time.Minute)
		old.Close()
		v = renew(v, o)
		want(t, v, token, "")
		time.Sleep(31 * time.Minute)
		want(t, v, token, Unavailable)
		s.respondWith(jwks(map[string]any{"a": edKey().Public()}), nil)
		time.Sleep(retryMax)
		synctest.Wait()
		want(t, v, token, "")

		s.respondWith(nil, errors.New("connection refused"))
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
	for header, age := range map[string]time.Duration{
		"": refreshDefault, "max-age=120": 2 * time.Minute, "max-age=1": time.Minute, "max-age=86400": time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &issuer{set: jwks(map[string]any{"a": edKey().Public()}), header: header}
			verifier(t, Options{JWKSURL: "https://issuer.example/keys", transport: s})
			synctest.Wait()
			time.Sleep(age * 89 / 100)
			synctest.Wait()
			before := s.count()
			time.Sleep(age * 12 / 100)
			synctest.Wait()
			if before != 1 || s.count() != 2 {
				t.Errorf("%q: %d fetches before the keys are stale, %d after", header, before, s.count())
			}
		})
	}
}

// fetchServer returns the handlers of a server with good and bad sets of keys. /hang responds when hang is closed.
func fetchServer(good []byte, otherURL string, hang <-chan struct{}) *http.ServeMux {
	write := func(b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/good", write(good))
	mux.HandleFunc("/html", write([]byte("<html>")))
	mux.HandleFunc("/secret", write(jwks(map[string]any{"a": testSecret})))
	mux.HandleFunc("/private", write(jwks(map[string]any{"a": edKey()})))
	mux.Handle("/moved", http.RedirectHandler("/good", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler(otherURL, http.StatusFound))
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, string(good), http.StatusInternalServerError)
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 10 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	return mux
}

// TestFetch fetches from servers with good and bad responses, over real connections.
func TestFetch(t *testing.T) {
	good := jwks(map[string]any{"a": edKey().Public()})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("the other host got a request")
		_, _ = w.Write(good)
	}))
	defer other.Close()
	hang := make(chan struct{})
	mux := fetchServer(good, other.URL, hang)
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(hang)

	token := sign(t, EdDSA, edKey(), claimsOf(nil), withKid("a"))
	for path, text := range map[string]string{
		"/good": "", "/moved": "", "/round": "too many redirects", "/away": "another host", "/file": "another host",
		"/error": "status 500", "/html": "not a JWKS", "/large": "more than",
		"/secret": "no key of the JWKS can be used", "/private": "not a public key", "/none": "status 404",
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

	// An unknown certificate is refused, and no option accepts it.
	tls := httptest.NewUnstartedServer(mux)
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	tls.StartTLS()
	defer tls.Close()
	unknown := verifier(t, Options{JWKSURL: tls.URL + "/good"})
	want(t, unknown, token, Unavailable)
	if st, _ := unknown.Status(); st.Err == nil || !strings.Contains(st.Err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", st.Err)
	}

	// Verify does not wait longer than its context allows, and Close does not wait for the server.
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
	const begin, end = "-----BEGIN PUBLIC KEY-----\n", "-----END PUBLIC KEY-----\n"
	private := strings.ReplaceAll(begin+"AAAA\n"+end, "PUBLIC", "PRIVATE")
	for _, c := range []struct {
		o    Options
		text string
	}{
		{Options{}, "no key to verify tokens with"},
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
		{Options{PublicKeyFile: file(t, []byte(private))}, "openssl pkey -pubout"},
		{Options{JWKSFile: file(t, []byte("{}"))}, "no key of the JWKS"},
		{Options{JWKSFile: file(t, jwks(map[string]any{"a": edKey()}))}, "not a public key"},
		{Options{PublicKeyFile: file(t, bytes.Repeat(pem, maxKeys+1))}, "65 PEM blocks: want at most 64"},
		{Options{PublicKeyFile: file(t, append(pem, pem[:60]...))}, "1 of 2 PEM blocks cannot be read"},
		{Options{PublicKeyFile: file(t, append([]byte(begin+"!\n"+end), pem...))}, "1 of 2 PEM blocks cannot be read"},
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
