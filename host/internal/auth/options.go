package auth

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Options configure a Verifier. Exactly one source of keys is set: Secret, SecretFile, PublicKeyFile, JWKSFile or
// JWKSURL.
type Options struct {
	// Algorithms are the allowed signature algorithms, of HS256, RS256, ES256 and EdDSA. A token must also have the
	// algorithm of its key. Empty: the algorithms of the keys; for JWKSURL all but HS256.
	Algorithms []string
	// Issuer is the required iss. Empty: any.
	Issuer string
	// Audience has the accepted values of aud, of which a token has at least one. Empty: tokens with an aud are refused
	// (RFC 7519, section 4.1.3).
	Audience []string
	// Leeway is the accepted clock skew. 0: 30 s. Negative: none.
	Leeway time.Duration
	// AllowNoExpiry accepts tokens without exp.
	AllowNoExpiry bool
	// Subject reports whether a sub is a valid name of a user. nil: all but the empty one are.
	Subject func(sub string) bool
	// MaxToken is the size of the largest accepted token, in bytes. 0: 8 KiB.
	MaxToken int

	// Secret is the shared secret for HS256, of at least 32 bytes.
	Secret []byte
	// SecretFile is a file with the secret. White space around it is ignored.
	SecretFile string
	// PublicKeyFile is a file with public keys or certificates, in PEM.
	PublicKeyFile string
	// JWKSFile is a file with a set of public keys (RFC 7517, section 5).
	JWKSFile string
	// JWKSURL is a URL of such a set: https, or http on loopback.
	JWKSURL string
	// Refresh is the time between fetches of JWKSURL. 0: the max-age of its Cache-Control, between 1 min and 1 h, or 15
	// min without one.
	Refresh time.Duration
	// MaxStale is how long keys are used after the last successful fetch. 0: 24 h.
	MaxStale time.Duration

	// Query is the name of the query parameter with the token. Empty: token. "-": none.
	Query string
	// Cookie is the name of the cookie with the token. Empty: none.
	Cookie string

	// Log receives messages about keys. nil: they are dropped.
	Log *slog.Logger
	// OnFetch is called after each fetch of JWKSURL, by its goroutine. nil: it is not called.
	OnFetch func(ok bool)

	transport http.RoundTripper // for tests; nil: a transport that uses the network
}

// The algorithms.
const (
	HS256 = string(jose.HS256)
	RS256 = string(jose.RS256)
	ES256 = string(jose.ES256)
	EdDSA = string(jose.EdDSA)
)

// Algorithms lists the supported signature algorithms.
var Algorithms = []string{HS256, RS256, ES256, EdDSA}

// WithDefaults returns o with its zero fields set.
func (o Options) WithDefaults() Options {
	o.Leeway = max(cmp.Or(o.Leeway, 30*time.Second), 0)
	o.MaxToken = cmp.Or(o.MaxToken, 8<<10)
	o.MaxStale = cmp.Or(o.MaxStale, 24*time.Hour)
	o.Query = cmp.Or(o.Query, "token")
	if o.Query == "-" {
		o.Query = ""
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports all options that are wrong. It reads no files.
func (o Options) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	switch sources := o.sources(); len(sources) {
	case 0:
		bad("no key to verify tokens with: set one of secret, secret_file, public_key_file, jwks_file and jwks_url")
	case 1:
	default:
		bad("%s: set one of them only", strings.Join(sources, ", "))
	}
	errs = append(errs, o.validateAlgorithms()...)
	if len(o.Secret) > 0 {
		if err := checkSecret(o.Secret); err != nil {
			errs = append(errs, err)
		}
	}
	if o.JWKSURL != "" {
		if _, err := parseURL(o.JWKSURL); err != nil {
			errs = append(errs, err)
		}
		if o.Issuer == "" || len(o.Audience) == 0 {
			bad("jwks_url needs issuer and audience: the issuer signs tokens for other services, too")
		}
	}
	if slices.Contains(o.Audience, "") {
		bad("an audience is empty")
	}
	if o.MaxToken < 0 {
		bad("MaxToken is %d: want 0 for the default, or more", o.MaxToken)
	}
	if o.Refresh < 0 {
		bad("Refresh is %s: want 0 for the default, or more", o.Refresh)
	}
	if o.MaxStale < 0 {
		bad("MaxStale is %s: want 0 for the default, or more", o.MaxStale)
	}
	if !validParam(o.Query) && o.Query != "-" || !validParam(o.Cookie) {
		bad("query and cookie: want names of letters, digits, _ and -")
	}
	return errors.Join(errs...)
}

// validateAlgorithms reports algorithms that are unknown, or that the source of keys does not support.
func (o Options) validateAlgorithms() (errs []error) {
	for _, a := range o.Algorithms {
		switch {
		case !slices.Contains(Algorithms, a):
			errs = append(errs, fmt.Errorf("algorithm %q: want some of %s", a, strings.Join(Algorithms, ", ")))
		case a == HS256 && !o.hasSecret():
			errs = append(errs, errors.New("algorithm HS256 needs a secret, and public keys are configured"))
		case a != HS256 && o.hasSecret():
			errs = append(errs, fmt.Errorf("algorithm %s needs a public key, and a secret is configured", a))
		}
	}
	return errs
}

func (o Options) hasSecret() bool { return len(o.Secret) > 0 || o.SecretFile != "" }

// sources lists the sources of keys that are set, by their names in a config file.
func (o Options) sources() (set []string) {
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"secret", len(o.Secret) > 0}, {"secret_file", o.SecretFile != ""}, {"public_key_file", o.PublicKeyFile != ""},
		{"jwks_file", o.JWKSFile != ""}, {"jwks_url", o.JWKSURL != ""},
	} {
		if s.set {
			set = append(set, s.name)
		}
	}
	return set
}

// validParam reports whether a name needs no escaping in a query or a cookie. The empty name is valid.
func validParam(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}
