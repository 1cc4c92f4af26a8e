package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of keys and of what holds them.
const (
	minSecret  = 32 // RFC 7518, section 3.2
	minRSA     = 2048
	maxRSA     = 8192 // a check of a longer one takes milliseconds
	maxKeys    = 64
	maxKeyFile = 512 << 10
)

// key checks signatures of one algorithm, which follows from its type: what a
// token says can not choose another.
type key struct {
	id     string // empty: tokens of any kid
	alg    jose.SignatureAlgorithm
	verify any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// keySource gives the keys that can have signed a token: all of the algorithm
// and, where it names one, of the kid.
type keySource interface {
	find(ctx context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error)
}

// fixedKeys do not change.
type fixedKeys []key

func (f fixedKeys) find(_ context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error) {
	return match(f, kid, alg)
}

// match finds the keys for a token.
func match(keys []key, kid string, alg jose.SignatureAlgorithm) (found []key, err error) {
	err = refused(UnknownKey, "no key has the kid of the token")
	for _, k := range keys {
		switch {
		case k.id != "" && kid != "" && k.id != kid:
		case k.alg != alg:
			err = refused(Algorithm, fmt.Sprintf("the token is signed with %s, its key is for %s", alg, k.alg))
		default:
			found = append(found, k)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, err
}

// newKey makes a key of a public key.
func newKey(id string, public any) (key, error) {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n < minRSA || n > maxRSA {
			return key{}, fmt.Errorf("RSA key of %d bits: want %d to %d", n, minRSA, maxRSA)
		}
		return key{id, jose.RS256, p}, nil
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return key{}, fmt.Errorf("EC key of the curve %s: want P-256, for ES256", p.Curve.Params().Name)
		}
		return key{id, jose.ES256, p}, nil
	case ed25519.PublicKey:
		return key{id, jose.EdDSA, p}, nil
	}
	return key{}, fmt.Errorf("key of type %T: want RSA, EC (P-256) or Ed25519", public)
}

func checkSecret(s []byte) error {
	if len(s) < minSecret {
		return fmt.Errorf("the secret has %d bytes: want at least %d, as of openssl rand -base64 32", len(s), minSecret)
	}
	return nil
}

// fixed reads the keys that do not come from a URL.
func (o Options) fixed() (fixedKeys, error) {
	switch {
	case len(o.Secret) > 0:
		return secretKey(o.Secret)
	case o.SecretFile != "":
		return fromFile(o.SecretFile, func(b []byte) (fixedKeys, error) { return secretKey(bytes.TrimSpace(b)) })
	case o.PublicKeyFile != "":
		return fromFile(o.PublicKeyFile, parsePEM)
	}
	return fromFile(o.JWKSFile, func(b []byte) (fixedKeys, error) {
		keys, skipped, err := parseJWKS(b)
		if err == nil && len(skipped) > 0 {
			o.Log.Warn("keys of the JWKS that are not used", "jwks_file", o.JWKSFile, "why", errors.Join(skipped...))
		}
		return keys, err
	})
}

func secretKey(s []byte) (fixedKeys, error) {
	if err := checkSecret(s); err != nil {
		return nil, err
	}
	return fixedKeys{{alg: jose.HS256, verify: slices.Clone(s)}}, nil
}

func fromFile(name string, parse func([]byte) (fixedKeys, error)) (fixedKeys, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxKeyFile)
	}
	keys, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return keys, nil
}

// parsePEM reads public keys and certificates. Of a certificate only the key
// counts: it is trusted because it is configured.
func parsePEM(b []byte) (keys fixedKeys, err error) {
	begun := bytes.Count(append([]byte("\n"), b...), []byte("\n-----BEGIN "))
	if begun > maxKeys {
		return nil, fmt.Errorf("%d PEM blocks: want at most %d", begun, maxKeys)
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		k, err := parseBlock(block)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	switch {
	case begun == 0:
		return nil, errors.New("no PEM block in it: want -----BEGIN PUBLIC KEY-----")
	case len(keys) < begun: // the decoder passes over what is none
		return nil, fmt.Errorf("%d of %d PEM blocks can not be read: copy them again, with their BEGIN and END lines", begun-len(keys), begun)
	}
	return keys, nil
}

func parseBlock(block *pem.Block) (key, error) {
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = cert.PublicKey
		}
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return key{}, errors.New("it is a private key, which belongs to who signs: give the public part, as of openssl pkey -pubout")
	default:
		return key{}, fmt.Errorf("a PEM block %q: want PUBLIC KEY or CERTIFICATE", block.Type)
	}
	if err != nil {
		return key{}, err
	}
	return newKey("", public)
}
