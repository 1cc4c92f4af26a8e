// Echo sends every message back as it came.
package main

import azu "github.com/azuhost/azuhost/sdk/go"

type echo struct{ azu.Base }

func (echo) OnMessage(c azu.Conn, m azu.Message) error { return c.Send(m) }

func init() { azu.Register(echo{}) }

func main() {}
