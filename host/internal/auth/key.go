package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Limits of keys and of their files.
const (
	minSecret  = 32 // RFC 7518, section 3.2
	minRSA     = 2048
	maxRSA     = 8192 // verifying with a longer key takes milliseconds
	maxKeys    = 64
	maxKeyFile = 512 << 10
)

// key verifies signatures of one algorithm. The type of the key decides the algorithm, not the token.
type key struct {
	id     string // empty: for tokens of any kid
	alg    jose.SignatureAlgorithm
	verify any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// keySource has keys.
type keySource interface {
	// find returns the keys that can have signed a token: those of the algorithm and, if kid is not empty, of the kid. The
	// error is an *Error.
	find(ctx context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error)
	// renew gets the keys again because none of them has verified a token. It reports whether they can have changed.
	renew(ctx context.Context) bool
}

// fixedKeys is a keySource that does not change.
type fixedKeys []key

func (f fixedKeys) find(_ context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error) {
	return match(f, kid, alg)
}

func (f fixedKeys) renew(context.Context) bool { return false }

// match returns the keys for a token, as keySource.find does.
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

// newKey returns a key for signatures by the owner of a public key.
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

// checkSecret reports a secret that is too short.
func checkSecret(s []byte) error {
	if len(s) < minSecret {
		return fmt.Errorf("the secret has %d bytes: want at least %d, for example from openssl rand -base64 32",
			len(s), minSecret)
	}
	return nil
}

// readKeys reads the keys of all sources but JWKSURL.
func (o Options) readKeys() (fixedKeys, error) {
	switch {
	case len(o.Secret) > 0:
		return secretKey(o.Secret)
	case o.SecretFile != "":
		return readKeyFile(o.SecretFile, func(b []byte) (fixedKeys, error) { return secretKey(bytes.TrimSpace(b)) })
	case o.PublicKeyFile != "":
		return readKeyFile(o.PublicKeyFile, parsePEM)
	}
	return readKeyFile(o.JWKSFile, func(b []byte) (fixedKeys, error) {
		keys, skipped, err := parseJWKS(b)
		if err == nil && len(skipped) > 0 {
			o.Log.Warn("keys of the JWKS skipped", "jwks_file", o.JWKSFile, "reasons", errors.Join(skipped...))
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

// readKeyFile parses a file of at most maxKeyFile bytes.
func readKeyFile(name string, parse func([]byte) (fixedKeys, error)) (fixedKeys, error) {
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

// parsePEM reads public keys and certificates. It uses only the key of a certificate, which is trusted because it is
// configured.
func parsePEM(b []byte) (keys fixedKeys, err error) {
	blocks := bytes.Count(append([]byte("\n"), b...), []byte("\n-----BEGIN "))
	if blocks > maxKeys {
		return nil, fmt.Errorf("%d PEM blocks: want at most %d", blocks, maxKeys)
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
	case blocks == 0:
		return nil, errors.New("no PEM block: want -----BEGIN PUBLIC KEY-----")
	case len(keys) < blocks: // the decoder skips damaged blocks
		return nil, fmt.Errorf("%d of %d PEM blocks cannot be read: copy them again, with their BEGIN and END lines",
			blocks-len(keys), blocks)
	}
	return keys, nil
}

// parseBlock reads a public key or a certificate.
func parseBlock(block *pem.Block) (key, error) {
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		public, err = certificateKey(block.Bytes)
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return key{}, errors.New("a private key, which only the issuer should have: " +
			"want the public key, from openssl pkey -pubout")
	default:
		return key{}, fmt.Errorf("PEM block %q: want PUBLIC KEY or CERTIFICATE", block.Type)
	}
	if err != nil {
		return key{}, err
	}
	return newKey("", public)
}

// certificateKey returns the public key of a certificate in DER (RFC 5280, section 4.1). It reads nothing else of the
// certificate, so that an odd serial number or extension does not make the key unusable.
func certificateKey(der []byte) (any, error) {
	var cert struct {
		TBS struct {
			Version    int `asn1:"optional,explicit,default:0,tag:0"`
			Serial     asn1.RawValue
			Algorithm  asn1.RawValue
			Issuer     asn1.RawValue
			Validity   asn1.RawValue
			Subject    asn1.RawValue
			Key        asn1.RawValue
			Extensions asn1.RawValue `asn1:"optional"`
		}
		Algorithm asn1.RawValue
		Signature asn1.RawValue
	}
	if _, err := asn1.Unmarshal(der, &cert); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return x509.ParsePKIXPublicKey(cert.TBS.Key.FullBytes)
}
