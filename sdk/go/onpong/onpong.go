// Package onpong exports the hook on_pong. Import it for its effect, in a plugin
// whose channel has the method OnPong:
//
//	import _ "github.com/azuhost/azuhost/sdk/go/onpong"
//
// The host calls a hook for every event of its kind as soon as a module
// exports it, and a Go module exports whatever its packages export. So a
// plugin that does not ask does not pay.
package onpong

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

func init() { hook.HasPong = true }
