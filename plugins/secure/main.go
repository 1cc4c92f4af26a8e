// Secure lets in who has a token.
package main

import (
	"crypto/subtle"
	"errors"

	"github.com/azuhost/azuhost/plugins/internal/protocol"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// unauthorized is the code with which a connection without a token is closed.
const unauthorized = 3000

type token struct {
	secret string
	user   azu.User
}

type secure struct {
	azu.Base
	tokens []token
}

var errConfig = errors.New(`config: say which token is whose, as in {"tokens": {"secret-a": "alice"}}`)

// OnLoad takes {"tokens": {"secret-a": "alice"}}. Without tokens nobody could
// come in, so that is refused.
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
	user := s.whose(c.Query("token"))
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

// whose finds the user of a token. It compares with every token, and each
// comparison takes as long whatever is in it: time tells at most a length.
func (s *secure) whose(secret string) (user azu.User) {
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
		return protocol.Other(c, kind)
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
