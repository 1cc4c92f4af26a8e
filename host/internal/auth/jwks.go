package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// parseJWKS reads a set of public keys (RFC 7517, section 5). It skips keys that cannot verify a token, as the RFC
// requires, and returns the reasons. A set without other keys is an error.
func parseJWKS(b []byte) (keys []key, skipped []error, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, nil, fmt.Errorf("not a JWKS: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("a JWKS of %d keys: want at most %d", len(set.Keys), maxKeys)
	}
	for i, raw := range set.Keys {
		k, err := parseJWK(raw)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d of the JWKS: %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, nil, errors.Join(append([]error{errors.New("no key of the JWKS can be used")}, skipped...)...)
	}
	return keys, skipped, nil
}

// jwkMembers are the members of a key that parseJWK reads: those of public keys (RFC 7518, section 6; RFC 8037,
// section 2), and those by which it recognizes private keys.
var jwkMembers = []string{"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "k"}

// parseJWK reads a public key for signatures (RFC 7517, section 4). It ignores all other members, such as those about
// certificates, so that an odd value there does not make the key unusable.
func parseJWK(raw []byte) (key, error) {
	var members map[string]*json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return key{}, err
	}
	maps.DeleteFunc(members, func(name string, _ *json.RawMessage) bool { return !slices.Contains(jwkMembers, name) })
	known, err := json.Marshal(members)
	if err != nil {
		return key{}, err
	}
	var k jose.JSONWebKey
	if err := json.Unmarshal(known, &k); err != nil {
		return key{}, err
	}
	switch {
	case !k.IsPublic(): // a secret or a private key, which does not belong into a set
		return key{}, errors.New("not a public key")
	case k.Use != "" && k.Use != "sig":
		return key{}, fmt.Errorf("use %q: want sig", k.Use)
	case len(k.KeyID) > maxKeyID:
		return key{}, fmt.Errorf("kid of %d bytes: want at most %d", len(k.KeyID), maxKeyID)
	}
	out, err := newKey(k.KeyID, k.Key)
	if err == nil && k.Algorithm != "" && k.Algorithm != string(out.alg) {
		err = fmt.Errorf("alg %q: want %s for its type", k.Algorithm, out.alg)
	}
	return out, err
}
