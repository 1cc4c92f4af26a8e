package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestAlgorithms(t *testing.T) {
	for _, c := range []struct {
		alg  string
		key  any
		opts Options
	}{
		{HS256, testSecret, Options{Secret: testSecret}},
		{HS256, testSecret, Options{SecretFile: file(t, append(slices.Clone(testSecret), '\n'))}},
		{RS256, rsaKey(), Options{PublicKeyFile: file(t, publicPEM(rsaKey().Public()))}},
		{ES256, ecKey(), Options{PublicKeyFile: file(t, publicPEM(ecKey().Public()))}},
		{EdDSA, edKey(), Options{PublicKeyFile: file(t, publicPEM(edKey().Public()))}},
		{RS256, rsaKey(), Options{JWKSFile: file(t, jwks(map[string]any{"a": rsaKey().Public(), "b": ecKey().Public()}))}},
		{ES256, ecKey(), Options{JWKSFile: file(t, jwks(map[string]any{"a": rsaKey().Public(), "b": ecKey().Public()}))}},
	} {
		t.Run(c.alg, func(t *testing.T) {
			v := verifier(t, c.opts)
			token := sign(t, c.alg, c.key, claimsOf(map[string]any{"role": "admin"}), map[string]any{"typ": "JWT"})
			got, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if got.User != "alice" || !strings.Contains(string(got.Claims), `"role":"admin"`) {
				t.Errorf("got %+v, claims %s", got, got.Claims)
			}
			if got.Until.Sub(got.Expires) != v.opts.Leeway {
				t.Errorf("expires %s, accepted until %s", got.Expires, got.Until)
			}
			head, sig := splitSignature(token)
			sig[len(sig)/2] ^= 1
			want(t, v, head+base64.RawURLEncoding.EncodeToString(sig), Signature)
			want(t, v, head, Signature)
		})
	}
}

// splitSignature returns a token up to its last dot, and the signature behind it.
func splitSignature(token string) (head string, signature []byte) {
	dot := strings.LastIndexByte(token, '.')
	return token[:dot+1], must(base64.RawURLEncoding.DecodeString(token[dot+1:]))
}

// TestAlgorithmConfusion: the algorithm that a token names does not decide how a key is used.
func TestAlgorithmConfusion(t *testing.T) {
	pem := publicPEM(rsaKey().Public())
	withRSA := verifier(t, Options{PublicKeyFile: file(t, pem)})
	withSecret := verifier(t, Options{Secret: testSecret})
	claims := `{"sub":"alice","exp":4000000000,"iss":"me","aud":"you"}`

	for _, none := range []string{"none", "None", "NONE", "nOnE", ""} {
		unsigned := b64(`{"alg":"`+none+`"}`) + "." + b64(claims) + "."
		want(t, withRSA, unsigned, Algorithm)
		want(t, withSecret, unsigned, Algorithm)
	}
	want(t, withRSA, b64(`{}`)+"."+b64(claims)+".", Algorithm)

	// HS256 with the public key as the secret, in several encodings.
	for _, secret := range [][]byte{pem, []byte(strings.TrimSpace(string(pem))), rsaKey().N.Bytes()} {
		mac := hmac.New(sha256.New, secret)
		text := b64(`{"alg":"HS256"}`) + "." + b64(claims)
		mac.Write([]byte(text))
		want(t, withRSA, text+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), Algorithm)
	}
	want(t, withSecret, sign(t, RS256, rsaKey(), claims, nil), Algorithm)
	want(t, withRSA, sign(t, "RS512", rsaKey(), claims, nil), Algorithm)
	want(t, withRSA, sign(t, "PS256", rsaKey(), claims, nil), Algorithm)
	want(t, withRSA, sign(t, ES256, ecKey(), claims, nil), Algorithm)

	// In a set with keys of several types, the key decides the algorithm.
	set := verifier(t, Options{JWKSFile: file(t, jwks(map[string]any{"r": rsaKey().Public(), "e": ecKey().Public()}))})
	want(t, set, sign(t, RS256, rsaKey(), claims, withKid("e")), Algorithm)
	want(t, set, sign(t, RS256, rsaKey(), claims, withKid("r")), "")
	// Options.Algorithms can allow fewer algorithms than the keys have.
	both := jwks(map[string]any{"r": rsaKey().Public(), "e": ecKey().Public()})
	pinned := verifier(t, Options{Algorithms: []string{ES256}, JWKSFile: file(t, both)})
	want(t, pinned, sign(t, RS256, rsaKey(), claims, withKid("r")), Algorithm)
	want(t, pinned, sign(t, ES256, ecKey(), claims, withKid("e")), "")
}

// TestECDSASignatures: signatures of zeros (CVE-2022-21449), of a wrong length or in ASN.1 are refused.
func TestECDSASignatures(t *testing.T) {
	v := verifier(t, Options{PublicKeyFile: file(t, publicPEM(ecKey().Public()))})
	token := sign(t, ES256, ecKey(), claimsOf(nil), nil)
	head, sig := splitSignature(token)
	text := strings.TrimSuffix(head, ".")
	n := elliptic.P256().Params().N
	digest := sha256.Sum256([]byte(text))
	s := new(big.Int).SetBytes(sig[32:])
	for name, bad := range map[string][]byte{
		"zeros":       make([]byte, 64),
		"empty":       {},
		"r and s = n": append(n.Bytes(), n.Bytes()...),
		"s = 0":       append(slices.Clone(sig[:32]), make([]byte, 32)...),
		"short":       sig[:63],
		"long":        append(slices.Clone(sig), 0),
		"ASN.1":       must(ecdsa.SignASN1(rand.Reader, ecKey(), digest[:])),
		"s + n":       append(slices.Clone(sig[:32]), new(big.Int).Add(s, n).Bytes()...),
	} {
		t.Run(name, func(t *testing.T) {
			want(t, v, head+base64.RawURLEncoding.EncodeToString(bad), Signature)
		})
	}
	// ECDSA accepts n - s, too. That is harmless: the host does not identify tokens by their signatures.
	other := append(slices.Clone(sig[:32]), new(big.Int).Sub(n, s).FillBytes(make([]byte, 32))...)
	want(t, v, head+base64.RawURLEncoding.EncodeToString(other), "")
}

// TestHeadersAreNotFollowed: keys in a header, and addresses of keys, are ignored. No request is made.
func TestHeadersAreNotFollowed(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = w.Write(jwks(map[string]any{"evil": ecKey().Public()}))
	}))
	defer server.Close()
	mine := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	set := map[string]any{"good": mine.Public()}
	for name, v := range map[string]*Verifier{
		"PEM":  verifier(t, Options{PublicKeyFile: file(t, publicPEM(mine.Public()))}),
		"JWKS": verifier(t, Options{JWKSFile: file(t, jwks(set))}),
	} {
		t.Run(name, func(t *testing.T) {
			for _, h := range []map[string]any{
				{"jku": server.URL}, {"x5u": server.URL}, {"jwk": jose.JSONWebKey{Key: ecKey().Public()}},
				{"jku": server.URL, "jwk": jose.JSONWebKey{Key: ecKey().Public()}},
				{"x5c": []string{"MIIB"}},
			} {
				token := sign(t, ES256, ecKey(), claimsOf(nil), h)
				if _, err := v.Verify(t.Context(), token); err == nil {
					t.Errorf("a token with %v is accepted", h)
				}
				// A valid token with such a header is accepted, unless the library cannot parse it.
				if h["x5c"] == nil {
					want(t, v, sign(t, ES256, mine, claimsOf(nil), h), "")
				}
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were made for headers of tokens", n)
	}
}

// TestKeyIDs: a kid is compared with those of the keys, and used for nothing else.
func TestKeyIDs(t *testing.T) {
	v := verifier(t, Options{JWKSFile: file(t, jwks(map[string]any{"good": edKey().Public()}))})
	for kid, reason := range map[string]Reason{
		"good": "", "": "", "other": UnknownKey, "Good": UnknownKey, "good ": UnknownKey,
		"../../../../../../dev/null": UnknownKey, "/etc/passwd": UnknownKey, "' OR 1=1": UnknownKey,
		"http://127.0.0.1/": UnknownKey, "good\x00": UnknownKey,
		strings.Repeat("k", maxKeyID): UnknownKey, strings.Repeat("k", maxKeyID+1): Malformed,
	} {
		h := map[string]any{"kid": kid}
		if kid == "" {
			h = nil
		}
		want(t, v, sign(t, EdDSA, edKey(), claimsOf(nil), h), reason)
	}
	// A key without a kid verifies tokens of any kid.
	one := verifier(t, Options{PublicKeyFile: file(t, publicPEM(edKey().Public()))})
	want(t, one, sign(t, EdDSA, edKey(), claimsOf(nil), withKid("../x")), "")
	want(t, one, b64(`{"alg":"EdDSA","kid":7}`)+"."+b64("{}")+"."+b64("x"), Malformed)
}

func TestHeaders(t *testing.T) {
	type fields = map[string]any
	v := verifier(t, Options{Secret: testSecret})
	for _, c := range []struct {
		header map[string]any
		reason Reason
	}{
		{nil, ""}, {fields{"typ": "JWT"}, ""}, {fields{"typ": "at+jwt"}, ""}, {fields{"typ": "application/at+jwt"}, ""},
		{fields{"typ": "logout+jwt"}, Malformed}, {fields{"typ": "secevent+jwt"}, Malformed}, {fields{"typ": 7}, Malformed},
		{fields{"crit": []string{"exp"}}, Malformed}, {fields{"crit": []string{}}, Malformed},
		{fields{"b64": false, "crit": []string{"b64"}}, Malformed}, {fields{"b64": true}, Malformed},
	} {
		want(t, v, sign(t, HS256, testSecret, claimsOf(nil), c.header), c.reason)
	}
}

func TestForms(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret, MaxToken: 1000})
	good := sign(t, HS256, testSecret, claimsOf(nil), nil)
	parts := strings.Split(good, ".")
	for token, reason := range map[string]Reason{
		good: "", "": Missing, ".": Malformed, "..": Malformed, "undefined": Malformed,
		good + ".": Malformed, "." + good: Malformed, good + ".x": Malformed, parts[0] + "." + parts[1]: Malformed,
		good + "\n": Malformed, " " + good: Malformed, good + "=": Malformed,
		parts[0] + "." + parts[1] + "\n." + parts[2]: Malformed, strings.ReplaceAll(good, ".", "%2e"): Malformed,
		strings.Repeat("a", 1001): TooLarge, good + strings.Repeat("a", 1000): TooLarge,
		`{"payload":"e30","protected":"e30","signature":"e30"}`:               Malformed,
		b64(`{"alg":"HS256","alg":"none"}`) + "." + parts[1] + "." + parts[2]: Malformed,
		b64(`{"alg":["HS256"]}`) + "." + parts[1] + "." + parts[2]:            Algorithm,
		b64(`{"ALG":"HS256"}`) + "." + parts[1] + "." + parts[2]:              Algorithm,
		b64(`{"alg":"HS256"`) + "." + parts[1] + "." + parts[2]:               Malformed,
		// The unused bits of the last letter of a part must be 0.
		parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-1] + string(parts[2][len(parts[2])-1]+1): Malformed,
		"é." + parts[1] + "." + parts[2]: Malformed,
	} {
		if _, err := v.Verify(t.Context(), token); (err == nil) != (reason == "") {
			t.Errorf("%.40s: %v", token, err)
		}
		want(t, v, token, reason)
	}
}

func TestErrorsDoNotRepeatTokens(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret})
	for _, token := range []string{
		sign(t, HS256, []byte("another secret, of 32 bytes also"), claimsOf(nil), nil),
		sign(t, HS256, testSecret, claimsOf(map[string]any{"sub": ""}), nil), b64(`{"alg":"none"}`) + ".e30.",
	} {
		_, err := v.Verify(t.Context(), token)
		for part := range strings.SplitSeq(token, ".") {
			if part != "" && strings.Contains(err.Error(), part) {
				t.Errorf("the error has a part of the token: %v", err)
			}
		}
	}
}
