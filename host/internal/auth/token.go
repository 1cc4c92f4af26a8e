package auth

import "time"

// Token is what a verified token says. It does not change.
type Token struct {
	// User is its subject: 1 to 255 bytes of UTF-8 without control characters.
	User string
	// Claims is its payload, a JSON object, as it was signed.
	Claims []byte
	// Expires is its exp; zero: it has none.
	Expires time.Time
	// Until is when it stops to be accepted: Expires, and the leeway for clocks that differ.
	// Zero: never.
	Until time.Time
}
