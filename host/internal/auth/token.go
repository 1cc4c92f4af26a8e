package auth

import "time"

// Token has the claims of a verified token. It does not change.
type Token struct {
	// User is the subject: 1 to 255 bytes of UTF-8 without control characters.
	User string
	// Claims is the payload, a JSON object, as it was signed.
	Claims []byte
	// Expires is the claim exp. Zero: the token has none.
	Expires time.Time
	// Until is the end of the token's validity: Expires plus the leeway for clock skew. Zero: it does not end.
	Until time.Time
}
