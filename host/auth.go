package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/naming"
)

// Auth says which tokens (JSON Web Tokens, RFC 7519) the host accepts, and where it
// looks for them. Exactly one source of keys is set: Secret, SecretFile,
// PublicKeyFile, JWKSFile or JWKSURL. Route.Auth says whether a route needs a token.
// docs/AUTH.md has the rules.
type Auth struct {
	// Algorithms are the algorithms that tokens may be signed with, of HS256, RS256,
	// ES256 and EdDSA. A key checks the one algorithm of its type only. Empty: those
	// of the keys; for JWKSURL all but HS256.
	Algorithms []string
	// Issuer is the value that the claim iss must have. Empty: any. JWKSURL needs it.
	Issuer string
	// Audience lists values of which the claim aud must have one. Empty: tokens must
	// have no aud. JWKSURL needs it.
	Audience []string
	// Leeway is how far the clocks of the issuer and the host may differ, for exp and
	// nbf. 0: 30 s. Negative: none.
	Leeway time.Duration
	// AllowNoExpiry accepts tokens without exp. Their connections do not expire.
	AllowNoExpiry bool
	// MaxToken is the length of the longest token, in bytes. 0: 8 KiB.
	MaxToken int

	// Secret is the secret of HS256, at least 32 bytes.
	Secret string
	// SecretFile is a file with the secret. White space around it is ignored.
	SecretFile string
	// PublicKeyFile is a PEM file with public keys or certificates.
	PublicKeyFile string
	// JWKSFile is a file with a set of public keys (RFC 7517, section 5).
	JWKSFile string
	// JWKSURL is the URL of such a set: https, or http on loopback. The host fetches
	// no other URL, whatever a token says. Routes that need a token answer 503 until
	// a fetch has succeeded.
	JWKSURL string
	// JWKSRefresh is the time between two fetches. 0: that of Cache-Control, between
	// 1 min and 1 h, and 15 min without it. A token with an unknown kid causes a fetch
	// sooner, at most once in 10 s.
	JWKSRefresh time.Duration
	// JWKSMaxStale is how long the keys of the last fetch are used while fetches fail.
	// 0: 24 h.
	JWKSMaxStale time.Duration

	// Query is the query parameter that carries the token. Empty: token. "-": none.
	Query string
	// Cookie is the cookie that carries the token. Empty: none. Browsers send cookies
	// from any page, so AllowedOrigins must keep other pages out.
	Cookie string

	offline bool // Check sets it: JWKSURL is not fetched
}

// AuthMode says whether a route needs a token that the host verifies.
type AuthMode string

// The values of AuthMode.
const (
	// AuthNone verifies no token. The channel decides.
	AuthNone AuthMode = "none"
	// AuthOptional verifies the token if there is one.
	AuthOptional AuthMode = "optional"
	// AuthRequired refuses clients without a valid token.
	AuthRequired AuthMode = "required"
)

// checks reports whether the token of a request is verified.
func (m AuthMode) checks() bool { return m == AuthOptional || m == AuthRequired }

// AuthRefusal says how a client without a valid token is refused.
type AuthRefusal string

// The values of AuthRefusal.
const (
	// RefuseStatus answers the handshake with 401.
	RefuseStatus AuthRefusal = "status"
	// RefuseClose upgrades the connection and closes it with 3000, which pages in a
	// browser can read.
	RefuseClose AuthRefusal = "close"
)

// options returns the options of package auth.
func (a Auth) options() auth.Options {
	return auth.Options{
		Algorithms: a.Algorithms, Issuer: a.Issuer, Audience: a.Audience,
		Leeway: a.Leeway, AllowNoExpiry: a.AllowNoExpiry, MaxToken: a.MaxToken,
		Subject: func(sub string) bool { return naming.Valid(sub) },
		Secret:  []byte(a.Secret), SecretFile: a.SecretFile, PublicKeyFile: a.PublicKeyFile,
		JWKSFile: a.JWKSFile, JWKSURL: a.JWKSURL, Refresh: a.JWKSRefresh, MaxStale: a.JWKSMaxStale,
		Query: a.Query, Cookie: a.Cookie,
	}
}

// Check returns an error for options that contradict each other. It reads no files.
func (a Auth) Check() error { return a.options().Validate() }

// validateAuth returns an error for wrong options about tokens. It reads no files.
func (o Options) validateAuth() error {
	if o.Auth != nil {
		if err := o.Auth.options().Validate(); err != nil {
			return fmt.Errorf("auth: %w", err)
		}
		return nil
	}
	var errs []error
	for _, r := range o.Routes {
		if r.Auth.checks() {
			errs = append(
				errs,
				fmt.Errorf("route %s: auth: %s needs the top-level auth, which says which tokens are valid", r.Path, r.Auth),
			)
		}
	}
	return errors.Join(errs...)
}

// validateAuth returns an error for wrong options of a route about tokens.
func (r Route) validateAuth() error {
	var errs []error
	if !slices.Contains([]AuthMode{"", AuthNone, AuthOptional, AuthRequired}, r.Auth) {
		errs = append(errs, fmt.Errorf("auth %q: want required, optional or none", r.Auth))
	}
	if !slices.Contains([]AuthRefusal{"", RefuseStatus, RefuseClose}, r.AuthRefusal) {
		errs = append(errs, fmt.Errorf("auth_refusal %q: want status or close", r.AuthRefusal))
	}
	for _, p := range r.Subprotocols {
		if strings.HasPrefix(p, auth.SubprotocolPrefix) {
			errs = append(
				errs,
				fmt.Errorf(
					"subprotocol %q: names that begin with %s carry tokens, and are never agreed on",
					p,
					auth.SubprotocolPrefix,
				),
			)
		}
	}
	return errors.Join(errs...)
}

// newVerifier returns the verifier of tokens, nil if none are verified. A verifier
// that fetches keys is kept if its options have not changed, and gives its keys to one
// with the same URL. Files are read again.
func (h *Host) newVerifier(o Options) (*auth.Verifier, error) {
	if o.Auth == nil {
		return nil, nil
	}
	if o.Auth.offline && o.Auth.JWKSURL != "" {
		return nil, nil
	}
	old := h.config.Load()
	if old.auth != nil && o.Auth.JWKSURL != "" && reflect.DeepEqual(old.Auth, o.Auth) {
		return old.auth, nil
	}
	if o.Auth.JWKSURL != "" {
		h.metrics.initFetches()
	}
	opts := o.Auth.options()
	opts.Log = h.log
	opts.OnFetch = h.metrics.keysFetched
	v, err := old.auth.Renew(opts)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return v, nil
}

// dropVerifier closes a verifier unless it is in use.
func (h *Host) dropVerifier(v *auth.Verifier) {
	if v != nil && v != h.config.Load().auth {
		v.Close()
	}
}

// TokenInfo describes a verified token.
type TokenInfo struct {
	User    string    // the claim sub
	Claims  []byte    // all of them, a JSON object
	Expires time.Time // the claim exp; zero: none
}

// TokenError is the error of a token that is refused. Reason is a value of the label
// result of azuhost_auth_total.
type TokenError struct {
	Reason string
	err    error
}

func (e *TokenError) Error() string { return e.err.Error() }

// VerifyToken verifies a token as a route does. The error is a *TokenError, unless the
// options are wrong. VerifyToken reads files and fetches keys at each call, so it is
// for tools and not for requests.
func VerifyToken(ctx context.Context, a Auth, token string) (*TokenInfo, error) {
	opts := a.options()
	opts.Log = slog.New(slog.DiscardHandler)
	v, err := auth.New(opts)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	t, err := v.Verify(ctx, token)
	var refused *auth.Error
	if errors.As(err, &refused) {
		if s, ok := v.Status(); ok && s.Err != nil && refused.Reason == auth.Unavailable {
			err = fmt.Errorf("%w: %w", err, s.Err)
		}
		return nil, &TokenError{string(refused.Reason), err}
	}
	if err != nil {
		return nil, err
	}
	return &TokenInfo{User: t.User, Claims: t.Claims, Expires: t.Expires}, nil
}
