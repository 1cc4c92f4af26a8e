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

// Options say which tokens are good. One source of keys is set: Secret,
// SecretFile, PublicKeyFile, JWKSFile or JWKSURL.
type Options struct {
	// Algorithms that tokens may be signed with, of HS256, RS256, ES256 and
	// EdDSA. A token's algorithm must also be the one of its key. Empty: those of
	// the keys; for JWKSURL all but HS256.
	Algorithms []string
	// Issuer is what iss must be. Empty: it is not looked at.
	Issuer string
	// Audience: aud must have one of them. Empty: there must be no aud
	// (RFC 7519, section 4.1.3).
	Audience []string
	// Leeway is how far clocks may differ. 0: 30 s. Negative: none.
	Leeway time.Duration
	// AllowNoExpiry accepts tokens without exp.
	AllowNoExpiry bool
	// Subject says whether a sub can be the name of a user. nil: all but the empty one.
	Subject func(sub string) bool
	// MaxToken is the largest token, in bytes. 0: 8 KiB.
	MaxToken int

	// Secret is shared with who signs, for HS256. At least 32 bytes.
	Secret []byte
	// SecretFile has the secret. White space around it does not count.
	SecretFile string
	// PublicKeyFile has public keys or certificates, PEM.
	PublicKeyFile string
	// JWKSFile has a set of public keys (RFC 7517, section 5).
	JWKSFile string
	// JWKSURL is where the issuer publishes such a set: https, or http on loopback.
	JWKSURL string
	// Refresh is the time between fetches of JWKSURL. 0: what its Cache-Control
	// says, between 1 min and 1 h, and 15 min where it says nothing.
	Refresh time.Duration
	// MaxStale is how long keys are used when they cannot be fetched any more.
	// 0: 24 h.
	MaxStale time.Duration

	// Query is the name of the query parameter with the token. Empty: token. "-": none.
	Query string
	// Cookie is the name of the cookie with the token. Empty: none.
	Cookie string

	// Log takes what there is to say about JWKSURL. nil: nothing is said.
	Log *slog.Logger
	// Refreshed is called after each fetch of JWKSURL. nil: nobody is told.
	Refreshed func(ok bool)

	transport http.RoundTripper // of tests
}

// The algorithms.
const (
	HS256 = string(jose.HS256)
	RS256 = string(jose.RS256)
	ES256 = string(jose.ES256)
	EdDSA = string(jose.EdDSA)
)

// Algorithms lists what a token can be signed with.
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

// Check says what makes no sense, without touching files.
func (o Options) Check() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	switch sources := o.sources(); len(sources) {
	case 0:
		bad("nothing to check tokens with: set one of secret, secret_file, public_key_file, jwks_file and jwks_url")
	case 1:
	default:
		bad("%s: set one of them only", strings.Join(sources, ", "))
	}
	for _, a := range o.Algorithms {
		switch {
		case !slices.Contains(Algorithms, a):
			bad("algorithm %q: want some of %s", a, strings.Join(Algorithms, ", "))
		case a == HS256 && !o.hasSecret():
			bad("algorithm HS256 needs a secret, and public keys are configured")
		case a != HS256 && o.hasSecret():
			bad("algorithm %s needs a public key, and a secret is configured", a)
		}
	}
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
			bad("jwks_url needs issuer and audience: whoever publishes keys signs tokens for others, too")
		}
	}
	if slices.Contains(o.Audience, "") {
		bad("an audience is empty")
	}
	for name, n := range map[string]int64{"MaxToken": int64(o.MaxToken), "Refresh": int64(o.Refresh), "MaxStale": int64(o.MaxStale)} {
		if n < 0 {
			bad("%s is %d: want 0 for the default, or more", name, n)
		}
	}
	if !validParam(o.Query) && o.Query != "-" || !validParam(o.Cookie) {
		bad("query and cookie: want names of letters, digits, _ and -")
	}
	return errors.Join(errs...)
}

func (o Options) hasSecret() bool { return len(o.Secret) > 0 || o.SecretFile != "" }

// sources lists the sources of keys that are set, as a config file names them.
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

// validParam says whether a name needs no escaping in a query or a cookie. The
// empty one is valid.
func validParam(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}
