// Command go is the conformance guest in Go.
package main

import (
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/testplugins/conformance/go/guest"
)

func init() { azu.Register(guest.New()) }

func main() {}
