package auth

// Reason says why a token is refused. It is a metric label.
type Reason string

// The reasons.
const (
	Missing     Reason = "missing"      // there is none
	Ambiguous   Reason = "ambiguous"    // the request has several, and they differ
	TooLarge    Reason = "too_large"    // it has more bytes than Options.MaxToken
	Malformed   Reason = "malformed"    // it is no token, or its subject or a time is missing or no such thing
	Algorithm   Reason = "algorithm"    // its algorithm is not allowed, or not the one of its key
	UnknownKey  Reason = "unknown_key"  // there is no key of this name
	Signature   Reason = "signature"    // the signature is not by the key
	Expired     Reason = "expired"      // exp has passed
	NotYet      Reason = "not_yet"      // nbf has not come
	Issuer      Reason = "issuer"       // iss is not the one that is configured
	Audience    Reason = "audience"     // aud has none of those that are configured
	Unavailable Reason = "unavailable"  // there are no keys to check it with, for now
	SubMismatch Reason = "sub_mismatch" // it was to replace the token of another subject
)

// Error is the error of a token that is refused. Its text is for logs and for
// whoever made the token, not for clients. It holds nothing of the token.
type Error struct {
	Reason Reason
	Text   string
}

func (e *Error) Error() string { return "token refused (" + string(e.Reason) + "): " + e.Text }

func refused(r Reason, text string) error { return &Error{r, text} }
