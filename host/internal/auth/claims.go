package auth

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// readClaims reads and checks the claims of a token with a valid signature. It uses the strict JSON package of go-jose,
// which compares names exactly and refuses duplicate names, so that the claims have one meaning only.
func (v *Verifier) readClaims(payload []byte) (*Token, error) {
	var all map[string]any // decodes nested objects, too, to find duplicate names in them
	var c jwt.Claims
	if !utf8.Valid(payload) || json.Unmarshal(payload, &all) != nil || all == nil {
		return nil, refused(Malformed, "the claims are not a JSON object, or have a name twice")
	}
	if json.Unmarshal(payload, &c) != nil {
		return nil, refused(Malformed, "a registered claim (iss, sub, aud, exp, nbf, iat, jti) has the wrong type")
	}
	if c.Subject == "" || v.opts.Subject != nil && !v.opts.Subject(c.Subject) {
		return nil, refused(Malformed, "sub must be 1 to 255 bytes of UTF-8 without control characters")
	}
	if err := v.checkTimes(&c, time.Now()); err != nil {
		return nil, err
	}
	if err := v.checkParties(&c); err != nil {
		return nil, err
	}
	t := &Token{User: c.Subject, Claims: payload}
	if c.Expiry != nil {
		t.Expires = c.Expiry.Time()
		t.Until = t.Expires.Add(v.opts.Leeway)
	}
	return t, nil
}

// checkTimes checks that now is at or after nbf and before exp, with the leeway.
func (v *Verifier) checkTimes(c *jwt.Claims, now time.Time) error {
	switch {
	case c.Expiry == nil && !v.opts.AllowNoExpiry:
		return refused(Malformed, "it has no exp; require_expiry: false would allow that")
	case c.Expiry != nil && !now.Before(c.Expiry.Time().Add(v.opts.Leeway)):
		return refused(Expired, fmt.Sprintf("since %s, with a leeway of %s", clock(c.Expiry), v.opts.Leeway))
	case c.NotBefore != nil && now.Before(c.NotBefore.Time().Add(-v.opts.Leeway)):
		return refused(NotYet, fmt.Sprintf("valid from %s on, with a leeway of %s", clock(c.NotBefore), v.opts.Leeway))
	}
	return nil
}

// clock formats a time for errors.
func clock(d *jwt.NumericDate) string { return d.Time().UTC().Format(time.RFC3339) }

// checkParties checks the issuer and the audience.
func (v *Verifier) checkParties(c *jwt.Claims) error {
	if v.opts.Issuer != "" && c.Issuer != v.opts.Issuer {
		return refused(Issuer, fmt.Sprintf("iss is not %q", v.opts.Issuer))
	}
	if len(v.opts.Audience) == 0 {
		if len(c.Audience) > 0 {
			return refused(Audience, "it has an audience, and none is configured")
		}
		return nil
	}
	if !slices.ContainsFunc(v.opts.Audience, c.Audience.Contains) {
		return refused(Audience, fmt.Sprintf("aud has none of %q", v.opts.Audience))
	}
	return nil
}
