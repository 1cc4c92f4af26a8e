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
			if got.User != "alice" || !strings.Contains(string(got.Claims), `"role":"admin"`) || got.Until.Sub(got.Expires) != v.opts.Leeway {
				t.Errorf("got %+v, claims %s", got, got.Claims)
			}
			// Every bit of the signature counts.
			head, sig := token[:strings.LastIndexByte(token, '.')+1], must(base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:]))
			sig[len(sig)/2] ^= 1
			want(t, v, head+base64.RawURLEncoding.EncodeToString(sig), Signature)
			want(t, v, head, Signature)
		})
	}
}

// TestAlgorithmConfusion: what a token says about its algorithm never chooses how
// a key is used.
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

	// HS256, with the public key as the secret, in each form that it comes in.
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

	// A set with keys of several types: the algorithm is the key's.
	set := verifier(t, Options{JWKSFile: file(t, jwks(map[string]any{"r": rsaKey().Public(), "e": ecKey().Public()}))})
	want(t, set, sign(t, RS256, rsaKey(), claims, map[string]any{"kid": "e"}), Algorithm)
	want(t, set, sign(t, RS256, rsaKey(), claims, map[string]any{"kid": "r"}), "")
	// Allowed is less than the keys could do.
	pinned := verifier(t, Options{Algorithms: []string{ES256}, JWKSFile: file(t, jwks(map[string]any{"r": rsaKey().Public(), "e": ecKey().Public()}))})
	want(t, pinned, sign(t, RS256, rsaKey(), claims, map[string]any{"kid": "r"}), Algorithm)
	want(t, pinned, sign(t, ES256, ecKey(), claims, map[string]any{"kid": "e"}), "")
}

// TestECDSASignatures: those of zeros (CVE-2022-21449) and of the wrong length
// are none, and neither is an ASN.1 one.
func TestECDSASignatures(t *testing.T) {
	v := verifier(t, Options{PublicKeyFile: file(t, publicPEM(ecKey().Public()))})
	token := sign(t, ES256, ecKey(), claimsOf(nil), nil)
	head := token[:strings.LastIndexByte(token, '.')+1]
	text := strings.TrimSuffix(head, ".")
	n := elliptic.P256().Params().N
	sig := must(base64.RawURLEncoding.DecodeString(token[len(head):]))
	digest := sha256.Sum256([]byte(text))
	for name, bad := range map[string][]byte{
		"zeros":       make([]byte, 64),
		"empty":       {},
		"r and s = n": append(n.Bytes(), n.Bytes()...),
		"s = 0":       append(slices.Clone(sig[:32]), make([]byte, 32)...),
		"short":       sig[:63],
		"long":        append(slices.Clone(sig), 0),
		"ASN.1":       must(ecdsa.SignASN1(rand.Reader, ecKey(), digest[:])),
		"s + n":       append(slices.Clone(sig[:32]), new(big.Int).Add(new(big.Int).SetBytes(sig[32:]), n).Bytes()...),
	} {
		t.Run(name, func(t *testing.T) {
			want(t, v, head+base64.RawURLEncoding.EncodeToString(bad), Signature)
		})
	}
	// n - s is valid, as ECDSA has it. It says the same, and nothing of the host
	// takes signatures for names of tokens.
	other := append(slices.Clone(sig[:32]), new(big.Int).Sub(n, new(big.Int).SetBytes(sig[32:])).FillBytes(make([]byte, 32))...)
	want(t, v, head+base64.RawURLEncoding.EncodeToString(other), "")
}

// TestHeadersAreNotFollowed: keys in a token, and addresses of keys, are not
// looked at. Nobody gets a request.
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
					t.Errorf("a token with %v is good", h)
				}
				// It does not make a good one bad either, where it can be read.
				if h["x5c"] == nil {
					want(t, v, sign(t, ES256, mine, claimsOf(nil), h), "")
				}
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were made for what tokens say", n)
	}
}

// TestKeyIDs: a kid is compared and nothing else.
func TestKeyIDs(t *testing.T) {
	v := verifier(t, Options{JWKSFile: file(t, jwks(map[string]any{"good": edKey().Public()}))})
	for kid, reason := range map[string]Reason{
		"good": "", "": "", "other": UnknownKey, "Good": UnknownKey, "good ": UnknownKey,
		"../../../../../../dev/null": UnknownKey, "/etc/passwd": UnknownKey, "' OR 1=1": UnknownKey, "http://127.0.0.1/": UnknownKey,
		"good\x00": UnknownKey, strings.Repeat("k", maxKeyID): UnknownKey, strings.Repeat("k", maxKeyID+1): Malformed,
	} {
		h := map[string]any{"kid": kid}
		if kid == "" {
			h = nil
		}
		want(t, v, sign(t, EdDSA, edKey(), claimsOf(nil), h), reason)
	}
	// One key only, without a name: it is the key whatever the kid is.
	one := verifier(t, Options{PublicKeyFile: file(t, publicPEM(edKey().Public()))})
	want(t, one, sign(t, EdDSA, edKey(), claimsOf(nil), map[string]any{"kid": "../x"}), "")
	want(t, one, b64(`{"alg":"EdDSA","kid":7}`)+"."+b64("{}")+"."+b64("x"), Malformed)
}

func TestHeaders(t *testing.T) {
	v := verifier(t, Options{Secret: testSecret})
	for _, c := range []struct {
		header map[string]any
		reason Reason
	}{
		{nil, ""}, {map[string]any{"typ": "JWT"}, ""}, {map[string]any{"typ": "at+jwt"}, ""}, {map[string]any{"typ": "application/at+jwt"}, ""},
		{map[string]any{"typ": "logout+jwt"}, Malformed}, {map[string]any{"typ": "secevent+jwt"}, Malformed}, {map[string]any{"typ": 7}, Malformed},
		{map[string]any{"crit": []string{"exp"}}, Malformed}, {map[string]any{"crit": []string{}}, Malformed},
		{map[string]any{"b64": false, "crit": []string{"b64"}}, Malformed}, {map[string]any{"b64": true}, Malformed},
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
		good + "\n": Malformed, " " + good: Malformed, good + "=": Malformed, parts[0] + "." + parts[1] + "\n." + parts[2]: Malformed,
		strings.ReplaceAll(good, ".", "%2e"): Malformed, strings.Repeat("a", 1001): TooLarge, good + strings.Repeat("a", 1000): TooLarge,
		`{"payload":"e30","protected":"e30","signature":"e30"}`:               Malformed,
		b64(`{"alg":"HS256","alg":"none"}`) + "." + parts[1] + "." + parts[2]: Malformed,
		b64(`{"alg":["HS256"]}`) + "." + parts[1] + "." + parts[2]:            Algorithm,
		b64(`{"ALG":"HS256"}`) + "." + parts[1] + "." + parts[2]:              Algorithm,
		b64(`{"alg":"HS256"`) + "." + parts[1] + "." + parts[2]:               Malformed,
		// The last letter of a part has bits that say nothing: they are 0.
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
