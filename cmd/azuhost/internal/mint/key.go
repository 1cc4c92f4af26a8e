// Package mint generates keys and signs tokens (JWT), for tests and for servers without an issuer of their own. The
// host only verifies tokens.
package mint

import (
	"crypto"
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
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// MinSecret is the minimum length of a secret, in bytes (RFC 7518, section 3.2).
const MinSecret = 32

// Key signs tokens.
type Key struct {
	// ID is the kid in the header of tokens. Empty: they have none.
	ID string

	alg jose.SignatureAlgorithm
	key any // []byte or a private key
}

// Secret returns a key for HS256.
func Secret(s []byte) (*Key, error) {
	if len(s) < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes: want at least %d", len(s), MinSecret)
	}
	return &Key{alg: jose.HS256, key: s}, nil
}

// Private returns a key for RS256, ES256 or EdDSA. Its ID is the thumbprint of the public key (RFC 7638).
func Private(key any) (*Key, error) {
	k := &Key{key: key}
	switch p := key.(type) {
	case *rsa.PrivateKey:
		k.alg = jose.RS256
	case *ecdsa.PrivateKey:
		if p.Curve != elliptic.P256() {
			return nil, fmt.Errorf("EC key of the curve %s: want P-256", p.Curve.Params().Name)
		}
		k.alg = jose.ES256
	case ed25519.PrivateKey:
		k.alg = jose.EdDSA
	default:
		return nil, fmt.Errorf("key of type %T: want RSA, EC (P-256) or Ed25519", key)
	}
	public := k.public()
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	k.ID = base64.RawURLEncoding.EncodeToString(sum)
	return k, nil
}

// ReadPrivate reads a private key in PEM.
func ReadPrivate(text []byte) (*Key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block: want -----BEGIN PRIVATE KEY-----")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("PEM block %q: want PRIVATE KEY, without a passphrase", block.Type)
	}
	if err != nil {
		return nil, err
	}
	return Private(key)
}

// Kinds lists the kinds of keys that New generates.
var Kinds = []string{"ed25519", "es256", "rs256", "hs256"}

// New generates a key of one of Kinds.
func New(kind string) (*Key, error) {
	var key any
	var err error
	switch kind {
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "es256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rs256":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	case "hs256":
		b := make([]byte, MinSecret)
		_, _ = rand.Read(b) // never returns an error
		return Secret([]byte(base64.RawURLEncoding.EncodeToString(b)))
	default:
		return nil, fmt.Errorf("kind %q: want one of %q", kind, Kinds)
	}
	if err != nil {
		return nil, err
	}
	return Private(key)
}

// Files returns the contents of files for the key, by name: secret, or private.pem, public.pem and jwks.json.
func (k *Key) Files() (map[string][]byte, error) {
	if s, ok := k.key.([]byte); ok {
		return map[string][]byte{"secret": append(s, '\n')}, nil
	}
	private, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, err
	}
	public := k.public()
	der, err := x509.MarshalPKIXPublicKey(public.Key)
	if err != nil {
		return nil, err
	}
	set, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}}, "", "  ")
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"private.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		"public.pem":  pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"jwks.json":   append(set, '\n'),
	}, nil
}

// public returns the public key of a private one.
func (k *Key) public() jose.JSONWebKey {
	public := k.key.(crypto.Signer).Public()
	return jose.JSONWebKey{Key: public, KeyID: k.ID, Algorithm: string(k.alg), Use: "sig"}
}

// Sign returns a token with claims.
func (k *Key) Sign(claims map[string]any) (string, error) {
	o := (&jose.SignerOptions{}).WithType("JWT")
	if k.ID != "" {
		o.WithHeader("kid", k.ID)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.key}, o)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
