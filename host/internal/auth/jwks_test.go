package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestJWKS: keys that cannot verify a token are skipped, with the reason.
func TestJWKS(t *testing.T) {
	small := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	large := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 16383), E: 65537}
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for text, k := range map[string]any{
		"want 2048":        jose.JSONWebKey{Key: small},
		"RSA modulus size": jose.JSONWebKey{Key: large},
		"want P-256":       jose.JSONWebKey{Key: p384.Public()},
		"want sig":         jose.JSONWebKey{Key: ecKey().Public(), Use: "enc"},
		"want RS256":       jose.JSONWebKey{Key: rsaKey().Public(), Algorithm: "PS256"},
		"want ES256":       jose.JSONWebKey{Key: ecKey().Public(), Algorithm: "HS256"},
		"not a public key": jose.JSONWebKey{Key: testSecret},
		"kid of":           jose.JSONWebKey{Key: ecKey().Public(), KeyID: strings.Repeat("k", 300)},
		"unsupported":      map[string]any{"kty": "OKP", "crv": "X25519", "x": "AAAA"},
		"missing json web": map[string]any{},
		"key type":         map[string]any{"kty": "new"},
	} {
		good := jose.JSONWebKey{Key: edKey().Public(), KeyID: "good"}
		keys, skipped, err := parseJWKS(must(json.Marshal(map[string]any{"keys": []any{k, good}})))
		if err != nil || len(keys) != 1 || keys[0].id != "good" {
			t.Errorf("%s: keys %v, %v", text, keys, err)
		}
		if len(skipped) != 1 || !strings.Contains(skipped[0].Error(), text) {
			t.Errorf("%s: skipped %v", text, skipped)
		}
	}
	many := must(json.Marshal(map[string]any{"keys": make([]any, maxKeys+1)}))
	if _, _, err := parseJWKS(many); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("too many keys: %v", err)
	}
}

// TestUnusedMembers: members that are not read, such as those about certificates, make no key unusable, whatever they
// hold.
func TestUnusedMembers(t *testing.T) {
	for name, value := range map[string]any{
		"x5t": "AA", "x5t#S256": b64(strings.Repeat("x", 32)), "x5c": []string{"not a certificate"}, "x5u": "::",
		"key_ops": "verify", "oth": 1, "exp": "never", "ext": nil,
	} {
		var k map[string]any
		if err := json.Unmarshal(must(json.Marshal(jose.JSONWebKey{Key: edKey().Public(), KeyID: "k"})), &k); err != nil {
			t.Fatal(err)
		}
		k[name] = value
		v := verifier(t, Options{JWKSFile: file(t, must(json.Marshal(map[string]any{"keys": []any{k}})))})
		want(t, v, sign(t, EdDSA, edKey(), claimsOf(nil), withKid("k")), "")
	}
}

// TestOddCertificate: a certificate with a negative serial number, which crypto/x509 does not parse, has a usable key.
func TestOddCertificate(t *testing.T) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, edKey().Public(), edKey()))
	at := bytes.Index(der, []byte{2, 1, 1}) // INTEGER, 1 byte, 1
	der[at+2] = 0xff
	if _, err := x509.ParseCertificate(der); err == nil {
		t.Skip("crypto/x509 parses negative serial numbers")
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	v := verifier(t, Options{PublicKeyFile: file(t, cert)})
	want(t, v, sign(t, EdDSA, edKey(), claimsOf(nil), nil), "")
}

// TestJWKSFile: the log names a key that cannot verify a token, and the others are used.
func TestJWKSFile(t *testing.T) {
	var log strings.Builder
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: edKey().Public(), KeyID: "good"}, {Key: ecKey().Public(), KeyID: "other", Use: "enc"},
	}}
	v := verifier(t, Options{
		JWKSFile: file(t, must(json.Marshal(set))), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	want(t, v, sign(t, EdDSA, edKey(), claimsOf(nil), withKid("good")), "")
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "key 1 of the JWKS: use") {
		t.Errorf("log:\n%s", log.String())
	}
}

func FuzzJWKS(f *testing.F) {
	f.Add(jwks(map[string]any{"a": edKey().Public(), "b": ecKey().Public(), "c": rsaKey().Public()}))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},` +
		`{"kty":"RSA","n":"","e":""},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, _, err := parseJWKS(b)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys and %v", len(keys), err)
		}
		for _, k := range keys {
			switch k.verify.(type) {
			case *rsa.PublicKey, *ecdsa.PublicKey:
			default:
				if string(k.alg) != EdDSA {
					t.Errorf("%T for %s", k.verify, k.alg)
				}
			}
		}
	})
}

// FuzzVerify: only a token that a key has signed is accepted.
func FuzzVerify(f *testing.F) {
	good := sign(f, HS256, testSecret, `{"sub":"alice"}`, nil)
	f.Add(good)
	f.Add(sign(f, EdDSA, edKey(), `{"sub":"alice","exp":1e3}`, map[string]any{"kid": "a", "typ": "JWT"}))
	f.Add(b64(`{"alg":"none"}`) + "." + b64(`{"sub":"alice"}`) + ".")
	v, err := New(Options{Secret: testSecret, AllowNoExpiry: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		got, err := v.Verify(t.Context(), token)
		if err == nil && token != good {
			t.Errorf("%s is accepted as %+v", token, got)
		}
	})
}
