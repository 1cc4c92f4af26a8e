package host

import (
	"errors"

	"github.com/azuhost/azuhost/host/internal/auth"
)

// tokenAnswer confirms a new token.
type tokenAnswer struct {
	Type      string  `json:"type"`
	ID        float64 `json:"id"`
	ExpiresAt *int64  `json:"expires_at,omitempty"`
}

// handleToken handles the control message token.
func (c *conn) handleToken(r controlRequest) error {
	err := c.replaceToken(r.Token)
	switch {
	case err == nil:
		c.answer(tokenAnswer{"token", r.ID, c.tokenEnd()})
		return nil
	case errors.Is(err, errNoAuth):
		return refuseControl("NO_AUTH", "the route checks no tokens")
	case reasonOf(err) == auth.Unavailable:
		return refuseControl("UNAVAILABLE", "tokens can not be checked at the moment")
	}
	_, text := tokenRefusal(err)
	return refuseControl("UNAUTHORIZED", text)
}
