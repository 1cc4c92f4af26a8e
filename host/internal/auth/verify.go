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

// Verifier checks tokens. All methods may be called concurrently.
type Verifier struct {
	opts   Options
	algs   []jose.SignatureAlgorithm
	keys   keySource
	remote *remote // keys, when they are fetched; else nil
}

// New makes a Verifier. Files are read at once; JWKSURL is fetched in the
// background, by a goroutine that Close ends.
func New(o Options) (*Verifier, error) { return newVerifier(o, nil) }

// Renew makes a Verifier of other options. Where it has the JWKSURL of v, which
// may be nil, it begins with the keys that v has fetched. v goes on until it is
// closed.
func (v *Verifier) Renew(o Options) (*Verifier, error) {
	if v == nil {
		return New(o)
	}
	return newVerifier(o, v.remote)
}

func newVerifier(o Options, old *remote) (*Verifier, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	v := &Verifier{opts: o}
	if o.JWKSURL != "" {
		v.algs = algorithms(o.Algorithms, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
		r, err := newRemote(o, old)
		if err != nil {
			return nil, err
		}
		v.keys, v.remote = r, r
		return v, nil
	}
	keys, err := o.fixed()
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

// algorithms are those of own that are configured; without configuration all.
func algorithms(configured []string, own []jose.SignatureAlgorithm) (out []jose.SignatureAlgorithm) {
	for _, a := range own {
		if len(configured) == 0 || slices.Contains(configured, string(a)) {
			out = append(out, a)
		}
	}
	return out
}

// Close ends what New has started. Tokens can be verified still, with the keys
// that are there.
func (v *Verifier) Close() {
	if v.remote != nil {
		v.remote.close()
	}
}

// Status tells about the keys of JWKSURL. Fetched is zero when there never were
// any; Err is why the last fetch failed.
type Status struct {
	Fetched time.Time
	Stale   bool // there are none, or they are too old to be used
	Err     error
}

// Status is the state of the keys; ok is false where they are not fetched.
func (v *Verifier) Status() (s Status, ok bool) {
	if v.remote == nil {
		return s, false
	}
	return v.remote.status(), true
}

// Verify checks a token. The error is an *Error. Where keys have to be fetched
// first, it waits until ctx is done at most.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	switch {
	case token == "":
		return nil, refused(Missing, "there is none")
	case len(token) > v.opts.MaxToken:
		return nil, refused(TooLarge, fmt.Sprintf("%d bytes, allowed are %d", len(token), v.opts.MaxToken))
	case !compact(token):
		return nil, refused(Malformed, "not three parts of base64url between dots")
	}
	jws, err := jose.ParseSignedCompact(token, v.algs)
	if err != nil {
		if alg := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &alg) {
			return nil, refused(Algorithm, fmt.Sprintf("%q is not one of %s", clip(string(alg.Got)), v.algs))
		}
		return nil, refused(Malformed, "its parts are not what a JWT has")
	}
	header := jws.Signatures[0].Protected
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	keys, err := v.keys.find(ctx, header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if payload, err := jws.Verify(k.verify); err == nil {
			return v.readClaims(payload)
		}
	}
	return nil, refused(Signature, "the signature is not by the configured key")
}

// checkHeader looks at what else a header says. Keys and addresses of keys in it
// (jwk, jku, x5c, x5u) are not used for anything.
func checkHeader(h jose.Header) error {
	if len(h.KeyID) > maxKeyID {
		return refused(Malformed, fmt.Sprintf("kid of more than %d bytes", maxKeyID))
	}
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, ok := h.ExtraHeaders[name]; ok {
			return refused(Malformed, fmt.Sprintf("the header has %s, which JWTs have no use for", name))
		}
	}
	typ, ok := h.ExtraHeaders[jose.HeaderType]
	if !ok {
		return nil
	}
	// An issuer signs other things than access tokens with the same keys, and
	// says so here (RFC 8725, section 3.11): logout tokens, events.
	name, _ := typ.(string)
	switch strings.TrimPrefix(strings.ToLower(name), "application/") {
	case "jwt", "at+jwt":
		return nil
	}
	return refused(Malformed, fmt.Sprintf("typ %q: want JWT or at+jwt", clip(name)))
}

// compact says whether a text has the form of a signed token: three parts of
// base64url, the first of which is not empty. There is one way to write each.
func compact(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] == "" || strings.ContainsAny(token, "\r\n") { // which the decoder skips
		return false
	}
	for _, p := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(p); err != nil {
			return false
		}
	}
	return true
}

// clip bounds what error texts repeat of a header.
func clip(s string) string { return s[:min(len(s), 32)] }
