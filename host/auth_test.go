package host_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/go-jose/go-jose/v4"
)

// authSecret is the HMAC key of the tests.
const authSecret = "a secret for tests, of enough bytes"

// token returns a token of a user that expires in a minute. change sets other claims; nil removes a claim.
func token(t testing.TB, user string, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"sub": user, "exp": time.Now().Add(time.Minute).Unix()}
	for k, v := range change {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	return signed(t, jose.HS256, []byte(authSecret), "", claims)
}

// signed returns a token with claims. An empty kid is left out.
func signed(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	o := &jose.SignerOptions{}
	if kid != "" {
		o.WithHeader("kid", kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// whoami returns a channel that sends the user and the claims of the connection, in on_connect and for each message.
func whoami() *host.Funcs {
	sendUser := func(env host.Env, id host.ConnID) error {
		user, err := env.User(id)
		if err != nil {
			return err
		}
		claims, err := env.Claims(id)
		if err != nil {
			claims = []byte(err.Error())
		}
		return env.Send(id, abi.Text, fmt.Appendf(nil, "%s %s", user, claims))
	}
	return &host.Funcs{
		OnConnect: sendUser,
		OnMessage: func(env host.Env, id host.ConnID, _ host.Message) error { return sendUser(env, id) },
	}
}

// authHost serves the routes /required, /optional and /none, and /close, which refuses with a close.
func authHost(t testing.TB, a host.Auth, log io.Writer) (*host.Host, string) {
	t.Helper()
	o := host.Options{Auth: &a, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, r := range []host.Route{
		{Path: "/required", Auth: host.AuthRequired}, {Path: "/optional", Auth: host.AuthOptional}, {Path: "/none"},
		{Path: "/close", Auth: host.AuthRequired, AuthRefusal: host.RefuseClose},
	} {
		r.Channel = whoami()
		o.Routes = append(o.Routes, r)
	}
	return serve(t, o)
}

// TestToken checks that a token is found in each place where a client may send it, and what routes with optional and
// without tokens do.
func TestToken(t *testing.T) {
	h, url := authHost(t, host.Auth{Secret: authSecret, Cookie: "session"}, io.Discard)
	good := token(t, "alice", map[string]any{"role": "admin"})
	for name, headers := range map[string]map[string]string{
		"?token=" + good: {},
		"?":              {"Authorization": "Bearer " + good},
		"?a=1":           {"Cookie": "a=b; session=" + good},
		"?a":             {"Sec-WebSocket-Protocol": "azuhost.token." + good + ", azuhost.v1"},
	} {
		c, res, err := dialWith(t, url+"/required"+name, headers)
		if err != nil {
			t.Fatalf("%v: %v", headers, err)
		}
		if p := res.Header.Get("Sec-WebSocket-Protocol"); p != "" && p != "azuhost.v1" {
			t.Errorf("subprotocol %s", p)
		}
		readUntil(t, c, `"role":"admin"`)
		do(t, c, "")
		readUntil(t, c, `alice {`)
	}
	if online, err := h.Online(t.Context(), "/required", "alice"); !online || err != nil {
		t.Error("alice is not online")
	}
	wantMetric(t, h, `azuhost_auth_total{result="ok",route="/required"}`, 4)

	c := dial(t, url+"/optional")
	want(t, c, " NOT_FOUND")
	c = dial(t, url+"/none?token=nonsense")
	want(t, c, " NOT_FOUND")
	wantStatus(t, refused(t, url+"/optional?token=nonsense"), 401)
}

// TestTokenRefused checks the answers to missing and invalid tokens, and that no token is in the log or the metrics.
func TestTokenRefused(t *testing.T) {
	var log logBuffer
	h, url := authHost(t, host.Auth{Secret: authSecret}, &log)
	otherSecret := []byte("another secret, of enough bytes also")
	other := signed(t, jose.HS256, otherSecret, "", map[string]any{"sub": "alice", "exp": 4e9})
	expired := token(t, "alice", map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})
	challenge := func(text string) string {
		return `Bearer realm="azuhost", error="invalid_token", error_description="` + text + `"`
	}
	for _, c := range []struct {
		query, result string
		status        int
		body, header  string
	}{
		{"", "missing", 401, "token missing", `Bearer realm="azuhost"`},
		{"?token=" + expired, "expired", 401, "token expired", challenge("token expired")},
		{"?token=" + other, "signature", 401, "token invalid", challenge("token invalid")},
		{"?token=x", "malformed", 401, "token invalid", challenge("token invalid")},
		{"?token=" + strings.Repeat("x", 9000), "too_large", 401, "token invalid", challenge("token invalid")},
		{"?token=x&token=y", "ambiguous", 400, "send one", ""},
	} {
		res := refused(t, url+"/required"+c.query)
		wantStatus(t, res, c.status)
		b, _ := io.ReadAll(res.Body)
		if header := res.Header.Get("WWW-Authenticate"); !strings.Contains(string(b), c.body) || header != c.header {
			t.Errorf("%.30s: body %q, header %q", c.query, b, header)
		}
		wantMetric(t, h, `azuhost_auth_total{result="`+c.result+`",route="/required"}`, 1)
	}
	wantMetric(t, h, `azuhost_connections_refused_total{reason="auth",route="/required"}`, 6)
	if n := metric(t, h, `azuhost_connections{route="/required"}`); n != 0 {
		t.Errorf("%v connections are left", n)
	}
	wantClose(t, dial(t, url+"/close"), 3000, "token missing")
	wantClose(t, dial(t, url+"/close?token="+expired), 3000, "token expired")
	wantStatus(t, refused(t, url+"/close?token=x&token=y"), 400)
	for _, secret := range []string{expired, other, expired[len(expired)-20:], other[len(other)-20:]} {
		if strings.Contains(log.String(), secret) || strings.Contains(metricsOf(t, h), secret) {
			t.Error("a token is in the log or the metrics")
		}
	}
}

// TestPluginSeesNoToken checks that a plugin reads the claims of a token, but not the token, wherever the client has
// sent it.
func TestPluginSeesNoToken(t *testing.T) {
	_, url := serve(t, host.Options{
		Auth:   &host.Auth{Secret: authSecret, Cookie: "session"},
		Routes: []host.Route{{Path: "/c", Plugin: scriptGuest, Auth: host.AuthRequired}},
	})
	good := token(t, "alice", nil)
	script := "user;claims;query token;query do;header authorization;header cookie;header sec-websocket-protocol"
	c, _, err := dialWith(t, url+"/c?do="+escape(script)+"&token="+good, map[string]string{
		"Authorization":          "Bearer " + good,
		"Cookie":                 "session=" + good + "; a=b",
		"Sec-WebSocket-Protocol": "azuhost.token." + good + ", other",
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, c, "alice")
	readUntil(t, c, `"sub":"alice"`)
	want(t, c, "!2") // NOT_FOUND
	readUntil(t, c, "query token")
	want(t, c, "!2")
	want(t, c, "a=b")
	want(t, c, "other")
	do(t, c, "user", "alice")
}

// TestRefusalRemovesUser checks that on_connect reads the user of the token, and that the user is not present after a
// refusal.
func TestRefusalRemovesUser(t *testing.T) {
	read := make(chan string, 1)
	joined := make(chan string, 10)
	h, url := serveQuiet(t, host.Options{Auth: &host.Auth{Secret: authSecret}, Routes: []host.Route{{
		Path: "/c", Auth: host.AuthRequired, PresenceGrace: -1,
		Channel: &host.Funcs{
			OnConnect: func(env host.Env, id host.ConnID) error {
				online, _ := env.Online("alice")
				users, _ := env.Users()
				read <- fmt.Sprint(online, " ", strings.Join(users, "\n"))
				return host.Refusal(403)
			},
			OnPresence: func(_ host.Env, room, user string, join bool) error { joined <- user; return nil },
		},
	}}})
	wantStatus(t, refused(t, url+"/c?token="+token(t, "alice", nil)), 403)
	if got := receive(t, read); got != "true alice" {
		t.Errorf("on_connect read %q", got)
	}
	if online, err := h.Online(t.Context(), "/c", "alice"); online || err != nil || len(joined) > 0 {
		t.Error("alice is online")
	}
}

// TestTokenExpires checks that a connection is closed with 3005 when its token expires, unless the client has sent a
// new one.
func TestTokenExpires(t *testing.T) {
	h, url := authHost(t, host.Auth{Secret: authSecret, Leeway: -1}, io.Discard)
	soon := func() map[string]any { return map[string]any{"exp": time.Now().Add(1500 * time.Millisecond).Unix()} }
	end := time.Now().Add(1500 * time.Millisecond).Truncate(time.Second)
	plain := dial(t, url+"/required?token="+token(t, "bob", soon()))
	v1 := map[string]string{"Sec-WebSocket-Protocol": "azuhost.v1"}
	c, _, err := dialWith(t, url+"/required?token="+token(t, "alice", soon()), v1)
	if err != nil {
		t.Fatal(err)
	}
	_, b, err := c.Read(testContext(t))
	if err != nil || !strings.Contains(string(b), `"expires_at":`) {
		t.Fatalf("welcome %s, %v", b, err)
	}
	readUntil(t, c, "alice")
	refresh := func(tok, answer string) {
		t.Helper()
		send(t, c, "\x1e"+`{"type":"token","id":7,"token":"`+tok+`"}`)
		readUntil(t, c, answer)
	}
	refresh(token(t, "mallory", nil), `"UNAUTHORIZED"`)
	refresh("nonsense", `"UNAUTHORIZED"`)
	refresh(token(t, "alice", map[string]any{"exp": 1}), `"token expired"`)
	refresh(token(t, "alice", map[string]any{"role": "new"}), `"expires_at":`)
	send(t, c, "")
	readUntil(t, c, `"role":"new"`)

	readUntil(t, plain, "bob")
	wantClose(t, plain, 3005, "token expired")
	if early := time.Until(end); early > 0 {
		t.Errorf("closed %s before the token expired", early)
	}
	wantMetric(t, h, `azuhost_auth_expiries_total{route="/required"}`, 1)
	send(t, c, "") // the first token of alice has expired, too
	readUntil(t, c, `"role":"new"`)
	wantMetric(t, h, `azuhost_auth_total{result="sub_mismatch",route="/required"}`, 1)
	refresh(token(t, "alice", soon()), `"expires_at":`)
	wantClose(t, c, 3005, "token expired")

	// A connection without a token cannot become one of a user. A route without tokens has nothing to refresh.
	for path, code := range map[string]string{"/optional": "UNAUTHORIZED", "/none": "NO_AUTH"} {
		if c, _, err = dialWith(t, url+path, v1); err != nil {
			t.Fatal(err)
		}
		refresh(token(t, "alice", nil), `"`+code+`"`)
	}
}

// issuer serves the keys of tokens while up is true.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
	up  atomic.Bool
}

// newIssuer returns an issuer with one key, whose kid is "k".
func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{key: rsaKey(t)}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !i.up.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		key := jose.JSONWebKey{Key: i.key.Public(), KeyID: "k"}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	}))
	t.Cleanup(i.Close)
	return i
}

// token returns a token of alice for the audience "you".
func (i *issuer) token(t testing.TB) string {
	t.Helper()
	return signed(t, jose.RS256, i.key, "k", map[string]any{
		"sub": "alice", "exp": 4e9, "iss": "me", "aud": []string{"x", "you"},
	})
}

// TestKeysUnavailable checks that routes answer tokens with 503 and that the host is not ready until the keys have been
// fetched, and that other routes serve.
func TestKeysUnavailable(t *testing.T) {
	i := newIssuer(t)
	h, url := authHost(t, host.Auth{JWKSURL: i.URL, Issuer: "me", Audience: []string{"you"}}, io.Discard)
	good := i.token(t)
	res := refused(t, url+"/required?token="+good)
	wantStatus(t, res, 503)
	if res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantStatus(t, refused(t, url+"/optional?token="+good), 503)
	wantStatus(t, refused(t, url+"/required"), 401)
	dial(t, url+"/none")
	if status, body := internal(t, h, "/readyz"); status != 503 || !strings.Contains(body, "jwks_url") {
		t.Errorf("ready: %d %s", status, body)
	}
	i.up.Store(true)
	eventually(t, "the keys are fetched", func() bool { status, _ := internal(t, h, "/readyz"); return status == 200 })
	readUntil(t, dial(t, url+"/required?token="+good), "alice")
}

// TestReloadAuth checks that a reload keeps the keys unless it changes where they come from, and that a reload with a
// bad secret changes nothing.
func TestReloadAuth(t *testing.T) {
	i := newIssuer(t)
	i.up.Store(true)
	h, url := authHost(t, host.Auth{JWKSURL: i.URL, Issuer: "me", Audience: []string{"you"}}, io.Discard)
	eventually(t, "the keys are fetched", func() bool { status, _ := internal(t, h, "/readyz"); return status == 200 })
	good := i.token(t)
	readUntil(t, dial(t, url+"/required?token="+good), "alice")
	i.up.Store(false)

	// The same options.
	o := host.Options{
		Auth:   &host.Auth{JWKSURL: i.URL, Issuer: "me", Audience: []string{"you"}},
		Routes: []host.Route{{Path: "/required", Auth: host.AuthRequired, Channel: whoami()}},
	}
	reload(t, h, o)
	readUntil(t, dial(t, url+"/required?token="+good), "alice")
	// Other options, but the same URL.
	o.Auth = &host.Auth{JWKSURL: i.URL, Issuer: "me", Audience: []string{"you", "others"}, Leeway: time.Minute}
	reload(t, h, o)
	readUntil(t, dial(t, url+"/required?token="+good), "alice")
	// A secret in place of the URL.
	o.Auth = &host.Auth{Secret: authSecret}
	reload(t, h, o)
	wantStatus(t, refused(t, url+"/required?token="+good), 401)
	readUntil(t, dial(t, url+"/required?token="+token(t, "bob", nil)), "bob")
	o.Auth = &host.Auth{Secret: "short"}
	if err := h.Reload(t.Context(), o); err == nil {
		t.Error("a bad secret is accepted")
	}
	readUntil(t, dial(t, url+"/required?token="+token(t, "bob", nil)), "bob")
}

// TestAuthOptionsRefused checks the errors of invalid options about tokens.
func TestAuthOptionsRefused(t *testing.T) {
	route := host.Route{Path: "/a", Channel: whoami(), Auth: host.AuthRequired}
	with := func(change func(*host.Route)) []host.Route {
		r := route
		change(&r)
		return []host.Route{r}
	}
	tokenProtocol := with(func(r *host.Route) { r.Subprotocols = []string{"azuhost.token.x"} })
	for _, c := range []struct {
		o    host.Options
		text string
	}{
		{host.Options{Routes: []host.Route{route}}, "auth: required needs"},
		{host.Options{Auth: &host.Auth{}, Routes: []host.Route{route}}, "no key to verify tokens with"},
		{host.Options{Auth: &host.Auth{SecretFile: "/does/not/exist"}}, "no such file"},
		{host.Options{Routes: with(func(r *host.Route) { r.Auth = "yes" })}, `auth "yes"`},
		{host.Options{Routes: with(func(r *host.Route) { r.AuthRefusal = "yes" })}, `auth_refusal "yes"`},
		{host.Options{Auth: &host.Auth{Secret: authSecret}, Routes: tokenProtocol}, "carry tokens"},
	} {
		h, err := host.New(c.o)
		if err == nil {
			stop(t, h)
		}
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("got %v, want %q", err, c.text)
		}
	}
}

// TestVerifyToken checks VerifyToken with a valid token, an invalid one and no key.
func TestVerifyToken(t *testing.T) {
	a := host.Auth{Secret: authSecret}
	info, err := host.VerifyToken(t.Context(), a, token(t, "alice", nil))
	if err != nil || info.User != "alice" || info.Expires.IsZero() {
		t.Errorf("got %+v, %v", info, err)
	}
	_, err = host.VerifyToken(t.Context(), a, "nonsense")
	if e, ok := err.(*host.TokenError); !ok || e.Reason != "malformed" {
		t.Errorf("got %v", err)
	}
	if _, err = host.VerifyToken(t.Context(), host.Auth{}, "x"); err == nil {
		t.Error("no error without a key")
	}
}

// rsaKey returns a new key.
func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
