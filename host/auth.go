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

// Auth says which tokens (JSON Web Tokens, RFC 7519) the host accepts, and where
// it looks for them. Exactly one source of keys is set: Secret, SecretFile,
// PublicKeyFile, JWKSFile or JWKSURL. Routes say whether they want a token:
// Route.Auth. docs/AUTH.md has the rules.
type Auth struct {
	// Algorithms that tokens may be signed with, of HS256, RS256, ES256 and
	// EdDSA. Whatever a token says, a key checks the one algorithm that its type
	// is for. Empty: those of the keys; for JWKSURL all but HS256.
	Algorithms []string
	// Issuer is what the claim iss must be. Empty: it is not looked at.
	// JWKSURL needs it.
	Issuer string
	// Audience: the claim aud must have one of them. Empty: tokens must have no
	// aud. JWKSURL needs it.
	Audience []string
	// Leeway is how far the clocks of the issuer and the host may differ: exp and
	// nbf are taken with it. 0: 30 s. Negative: none.
	Leeway time.Duration
	// AllowNoExpiry accepts tokens without exp, whose connections never expire.
	AllowNoExpiry bool
	// MaxToken is the largest token, in bytes. 0: 8 KiB.
	MaxToken int

	// Secret is shared with who signs, for HS256: at least 32 bytes.
	Secret string
	// SecretFile holds the secret. White space around it does not count.
	SecretFile string
	// PublicKeyFile holds public keys or certificates, PEM.
	PublicKeyFile string
	// JWKSFile holds a set of public keys (RFC 7517, section 5).
	JWKSFile string
	// JWKSURL is where the issuer publishes such a set: https, or http on
	// loopback. It is the only address that is ever fetched. Until that has worked
	// routes that need a token answer 503.
	JWKSURL string
	// JWKSRefresh is the time between fetches. 0: what Cache-Control says, between
	// 1 min and 1 h; 15 min where it says nothing. A token with an unknown kid has
	// the set fetched sooner, at most once in 10 s.
	JWKSRefresh time.Duration
	// JWKSMaxStale is how long the keys are used when they can not be fetched any
	// more. 0: 24 h.
	JWKSMaxStale time.Duration

	// Query is the query parameter that carries the token. Empty: token. "-": none.
	Query string
	// Cookie is the cookie that carries the token. Empty: none. Browsers send it
	// from any page, so that AllowedOrigins is what keeps others out.
	Cookie string

	offline bool // JWKSURL is not fetched: nothing is served
}

// AuthMode says whether a route wants a token that the host has verified.
type AuthMode string

// The values of AuthMode.
const (
	// AuthNone: the host looks at no token, the plugin decides.
	AuthNone AuthMode = "none"
	// AuthOptional lets in who has no token. One that is there must be good.
	AuthOptional AuthMode = "optional"
	// AuthRequired lets in who has a good token.
	AuthRequired AuthMode = "required"
)

// checks says whether a token that a request has is looked at.
func (m AuthMode) checks() bool { return m == AuthOptional || m == AuthRequired }

// AuthRefusal says how a client without a good token is refused.
type AuthRefusal string

// The values of AuthRefusal.
const (
	// RefuseStatus answers the handshake with 401.
	RefuseStatus AuthRefusal = "status"
	// RefuseClose upgrades and closes with 3000, which is what pages in a browser
	// can see.
	RefuseClose AuthRefusal = "close"
)

// options are those of package auth.
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

// Check says what makes no sense, without touching files.
func (a Auth) Check() error { return a.options().Check() }

// checkAuth says what is wrong with the options about tokens, without touching
// files.
func (o Options) checkAuth() error {
	if o.Auth != nil {
		if err := o.Auth.options().Check(); err != nil {
			return fmt.Errorf("auth: %w", err)
		}
		return nil
	}
	var errs []error
	for _, r := range o.Routes {
		if r.Auth.checks() {
			errs = append(errs, fmt.Errorf("route %s: auth: %s needs the options of the whole host that say which tokens are good: auth", r.Path, r.Auth))
		}
	}
	return errors.Join(errs...)
}

// checkAuth says what is wrong with what a route says about tokens.
func (r Route) checkAuth() error {
	var errs []error
	if !slices.Contains([]AuthMode{"", AuthNone, AuthOptional, AuthRequired}, r.Auth) {
		errs = append(errs, fmt.Errorf("auth %q: want required, optional or none", r.Auth))
	}
	if !slices.Contains([]AuthRefusal{"", RefuseStatus, RefuseClose}, r.AuthRefusal) {
		errs = append(errs, fmt.Errorf("auth_refusal %q: want status or close", r.AuthRefusal))
	}
	for _, p := range r.Subprotocols {
		if strings.HasPrefix(p, auth.SubprotocolPrefix) {
			errs = append(errs, fmt.Errorf("subprotocol %q: names that begin with %s carry tokens, and are never agreed on", p, auth.SubprotocolPrefix))
		}
	}
	return errors.Join(errs...)
}

// newVerifier makes what checks tokens, nil where no token is checked. One that
// has fetched its keys is kept if nothing about it has changed, and hands them to
// the next if that has the same URL; files are read anew.
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
	opts := o.Auth.options()
	opts.Log = h.log
	opts.Refreshed = h.metrics.keysFetched
	v, err := old.auth.Renew(opts)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return v, nil
}

// dropVerifier ends a verifier, unless it is the one in force.
func (h *Host) dropVerifier(v *auth.Verifier) {
	if v != nil && v != h.config.Load().auth {
		v.Close()
	}
}

// TokenInfo is what a verified token says.
type TokenInfo struct {
	User    string    // the claim sub
	Claims  []byte    // all of them, a JSON object
	Expires time.Time // the claim exp; zero: none
}

// TokenError is the error of a token that is not accepted. Reason is one of the
// results of azuhost_auth_total.
type TokenError struct {
	Reason string
	err    error
}

func (e *TokenError) Error() string { return e.err.Error() }

// VerifyToken checks a token as a route would. The error is a *TokenError, unless
// the options are wrong. It reads files and fetches keys each time: it is for
// tools, not for requests.
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
