// Secure accepts only connections with a token.
package main

import (
	"crypto/subtle"
	"errors"

	"github.com/azuhost/azuhost/plugins/internal/protocol"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// unauthorized is the close code for a connection without a valid token.
const unauthorized = 3000

type token struct {
	secret string
	user   azu.User
}

type secure struct {
	azu.Base
	tokens []token
}

var errConfig = errors.New(`config: tokens has to map tokens to users, as in {"tokens": {"secret-a": "alice"}}`)

// OnLoad takes {"tokens": {"secret-a": "alice"}}. It fails without tokens, because nobody could connect.
func (s *secure) OnLoad(config []byte) error {
	c, err := json.Parse(config)
	if err != nil {
		return err
	}
	s.tokens = nil
	for secret, user := range c.Get("tokens").Members() {
		if secret == "" || user.Str() == "" {
			return errConfig
		}
		s.tokens = append(s.tokens, token{secret, azu.User(user.Str())})
	}
	if s.tokens == nil {
		return errConfig
	}
	return nil
}

func (s *secure) OnConnect(c azu.Conn) error {
	user := s.userOf(c.Query("token"))
	if user == "" {
		if err := c.Send(azu.Text(`{"type":"error","message":"Unauthorized"}`)); err != nil {
			return err
		}
		return azu.RefuseClose(unauthorized)
	}
	if err := c.Identify(user); err != nil {
		return err
	}
	return c.Send(azu.Text(protocol.New("authenticated").Str("user", string(user)).Bytes()))
}

// userOf returns the user of a token, or "". It compares with every token in constant time, so the time
// it takes reveals at most the lengths of tokens.
func (s *secure) userOf(secret string) (user azu.User) {
	for _, t := range s.tokens {
		if subtle.ConstantTimeCompare([]byte(t.secret), []byte(secret)) == 1 {
			user = t.user
		}
	}
	return user
}

func (s *secure) OnMessage(c azu.Conn, m azu.Message) error {
	msg, kind, ok, err := protocol.Read(c, m)
	if !ok {
		return err
	}
	if !kind.Is("message") {
		return protocol.Fallback(c, kind)
	}
	text := msg.Get("text")
	if text.Kind() != json.String {
		return protocol.Error(c, protocol.InvalidMessage)
	}
	return c.Send(azu.Text(protocol.New("message").
		Str("user", string(c.User())).
		Raw("text", text.Raw()).
		Bytes()))
}

func init() { azu.Register(&secure{}) }

func main() {}
