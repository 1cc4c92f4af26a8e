package auth

// Reason is why a token is refused. It is a label of metrics.
type Reason string

// The reasons.
const (
	Missing     Reason = "missing"      // the request has no token
	Ambiguous   Reason = "ambiguous"    // the request has several tokens that differ
	TooLarge    Reason = "too_large"    // it is larger than Options.MaxToken
	Malformed   Reason = "malformed"    // it is not a JWT, or its subject or a time is missing or invalid
	Algorithm   Reason = "algorithm"    // its algorithm is not allowed, or not the one of its key
	UnknownKey  Reason = "unknown_key"  // no key has its kid
	Signature   Reason = "signature"    // the signature is invalid
	Expired     Reason = "expired"      // exp is over
	NotYet      Reason = "not_yet"      // nbf is in the future
	Issuer      Reason = "issuer"       // iss is not the configured issuer
	Audience    Reason = "audience"     // aud has none of the configured audiences
	Unavailable Reason = "unavailable"  // the keys cannot be fetched for now
	SubMismatch Reason = "sub_mismatch" // it was to replace the token of another subject
)

// Reasons lists all reasons.
var Reasons = []Reason{
	Missing, Ambiguous, TooLarge, Malformed, Algorithm, UnknownKey, Signature, Expired, NotYet, Issuer, Audience,
	Unavailable, SubMismatch,
}

// Error is the error of a refused token. Its text is for logs and for the issuer of the token, not for clients. It
// repeats nothing of the token but short header values.
type Error struct {
	Reason Reason
	Text   string
}

func (e *Error) Error() string { return "token refused (" + string(e.Reason) + "): " + e.Text }

func refused(r Reason, text string) error { return &Error{r, text} }
