// Package onping exports the hook on_ping. Import it for its effect, in a plugin
// whose channel has the method OnPing:
//
//	import _ "github.com/azuhost/azuhost/sdk/go/onping"
//
// The host calls a hook for every event of its kind as soon as a module
// exports it, and a Go module exports whatever its packages export. So a
// plugin that does not ask does not pay.
package onping

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

func init() { hook.HasPing = true }
