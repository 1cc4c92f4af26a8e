package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxKeyID bounds the kid of tokens and keys, in bytes.
const maxKeyID = 255

// Verifier verifies tokens. All methods may be called concurrently.
type Verifier struct {
	opts   Options
	algs   []jose.SignatureAlgorithm
	keys   keySource
	remote *remoteKeys // keys, if they are fetched; otherwise nil
}

// New returns a Verifier. It reads files at once. A goroutine, which Close ends, fetches JWKSURL.
func New(o Options) (*Verifier, error) { return newVerifier(o, nil) }

// Renew returns a Verifier with new options. If these have the JWKSURL of v, which may be nil, it starts with the keys
// that v has fetched. v works until it is closed.
func (v *Verifier) Renew(o Options) (*Verifier, error) {
	if v == nil {
		return New(o)
	}
	return newVerifier(o, v.remote)
}

func newVerifier(o Options, old *remoteKeys) (*Verifier, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	v := &Verifier{opts: o}
	if o.JWKSURL != "" {
		v.algs = algorithms(o.Algorithms, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
		r, err := newRemoteKeys(o, old)
		if err != nil {
			return nil, err
		}
		v.keys, v.remote = r, r
		return v, nil
	}
	keys, err := o.readKeys()
	if err != nil {
		return nil, err
	}
	var own []jose.SignatureAlgorithm
	for _, k := range keys {
		if !slices.Contains(own, k.alg) {
			own = append(own, k.alg)
		}
	}
	if v.algs = algorithms(o.Algorithms, own); len(v.algs) == 0 {
		return nil, fmt.Errorf("algorithms %s: the keys are for %s", strings.Join(o.Algorithms, ", "), own)
	}
	v.keys = keys
	return v, nil
}

// algorithms returns the algorithms of own that are configured, or all of own if none are.
func algorithms(configured []string, own []jose.SignatureAlgorithm) (out []jose.SignatureAlgorithm) {
	for _, a := range own {
		if len(configured) == 0 || slices.Contains(configured, string(a)) {
			out = append(out, a)
		}
	}
	return out
}

// Close ends the goroutine of New. Verify goes on with the keys that have been fetched.
func (v *Verifier) Close() {
	if v.remote != nil {
		v.remote.close()
	}
}

// Status is the state of the keys of JWKSURL.
type Status struct {
	Fetched time.Time // the last successful fetch; zero: none
	Stale   bool      // there are no keys, or they are too old to be used
	Err     error     // of the last fetch
}

// Status returns the state of the keys. ok is false without JWKSURL.
func (v *Verifier) Status() (s Status, ok bool) {
	if v.remote == nil {
		return s, false
	}
	return v.remote.status(), true
}

// Verify verifies a token. The error is an *Error. If keys have to be fetched first, Verify waits for them until ctx is
// done.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	switch {
	case token == "":
		return nil, refused(Missing, "the request has no token")
	case len(token) > v.opts.MaxToken:
		return nil, refused(TooLarge, fmt.Sprintf("%d bytes, the limit is %d", len(token), v.opts.MaxToken))
	case !isCompact(token):
		return nil, refused(Malformed, "not three parts of base64url between dots")
	}
	jws, err := jose.ParseSignedCompact(token, v.algs)
	if err != nil {
		if alg := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &alg) {
			return nil, refused(Algorithm, fmt.Sprintf("%q is not one of %s", clip(string(alg.Got)), v.algs))
		}
		return nil, refused(Malformed, "its parts are not those of a JWT")
	}
	header := jws.Signatures[0].Protected
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	payload, err := v.verifySignature(ctx, jws)
	if err != nil {
		return nil, err
	}
	return v.readClaims(payload)
}

// verifySignature returns the payload of a token that a key has signed. If none has, it renews the keys once.
func (v *Verifier) verifySignature(ctx context.Context, jws *jose.JSONWebSignature) (payload []byte, err error) {
	header := jws.Signatures[0].Protected
	for renewed := false; ; renewed = true {
		keys, err := v.keys.find(ctx, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
		for _, k := range keys {
			if payload, err := jws.Verify(k.verify); err == nil {
				return payload, nil
			}
		}
		if err == nil {
			err = refused(Signature, "the signature is not by the configured key")
		}
		if renewed || isUnavailable(err) || !v.keys.renew(ctx) {
			return nil, err
		}
	}
}

func isUnavailable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == Unavailable
}

// checkHeader checks kid, crit, b64 and typ. Keys and addresses of keys in the header (jwk, jku, x5c, x5u) are ignored.
func checkHeader(h jose.Header) error {
	if len(h.KeyID) > maxKeyID {
		return refused(Malformed, fmt.Sprintf("kid of more than %d bytes", maxKeyID))
	}
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, ok := h.ExtraHeaders[name]; ok {
			return refused(Malformed, fmt.Sprintf("the header has %s, which is not supported", name))
		}
	}
	typ, ok := h.ExtraHeaders[jose.HeaderType]
	if !ok {
		return nil
	}
	// An issuer can sign logout tokens and events with the same keys. Explicit typing tells them apart (RFC 8725,
	// section 3.11).
	name, _ := typ.(string)
	switch strings.TrimPrefix(strings.ToLower(name), "application/") {
	case "jwt", "at+jwt":
		return nil
	}
	return refused(Malformed, fmt.Sprintf("typ %q: want JWT or at+jwt", clip(name)))
}

// isCompact reports whether a text has the form of a signed token: three parts of base64url, the first of which is not
// empty. It accepts only one encoding of each token: the decoder skips line breaks and, unless strict, trailing bits.
func isCompact(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] == "" || strings.ContainsAny(token, "\r\n") {
		return false
	}
	for _, p := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			return false
		}
	}
	return true
}

// clip shortens a header value for an error.
func clip(s string) string { return s[:min(len(s), 32)] }
