package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Keys of the tests, which are made once.
var (
	testSecret = []byte("0123456789abcdef0123456789abcdef")
	rsaKey     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey      = sync.OnceValue(newEdKey)
	otherEdKey = sync.OnceValue(newEdKey)
)

func newEdKey() ed25519.PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return must(k, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// claimsOf returns the claims of a token that is valid for a minute, with changes. A nil value removes a claim.
func claimsOf(change map[string]any) map[string]any {
	c := map[string]any{"sub": "alice", "exp": time.Now().Add(time.Minute).Unix(), "iss": "me", "aud": "you"}
	for k, v := range change {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

// sign returns a token with claims: a map, or the payload as a string.
func sign(t testing.TB, alg string, key any, claims any, header map[string]any) string {
	t.Helper()
	o := &jose.SignerOptions{}
	for k, v := range header {
		o.WithHeader(jose.HeaderKey(k), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := claims.(string)
	if !ok {
		text = string(must(json.Marshal(claims)))
	}
	jws, err := s.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return must(jws.CompactSerialize())
}

// withKid returns a header with a kid.
func withKid(kid string) map[string]any { return map[string]any{"kid": kid} }

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// file writes a file, and returns its name.
func file(t testing.TB, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func publicPEM(public any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
}

// jwks returns a set of keys, which are given by kid.
func jwks(keys map[string]any) []byte {
	var set jose.JSONWebKeySet
	for id, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k, KeyID: id})
	}
	return must(json.Marshal(set))
}

func verifier(t testing.TB, o Options) *Verifier {
	t.Helper()
	if o.Issuer == "" {
		o.Issuer, o.Audience = "me", []string{"you", "them"}
	}
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// want fails the test unless the token is refused for the reason, or accepted if the reason is "".
func want(t testing.TB, v *Verifier, token string, reason Reason) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	var e *Error
	switch {
	case err == nil && reason == "":
	case !errors.As(err, &e) || e.Reason != reason:
		t.Errorf("got %v, want %q", err, reason)
	}
}
