// Package onpresence exports the hook on_presence. Import it for its effect, in a plugin
// whose channel has the method OnPresence:
//
//	import _ "github.com/azuhost/azuhost/sdk/go/onpresence"
//
// The host calls a hook for every event of its kind as soon as a module
// exports it, and a Go module exports whatever its packages export. So a
// plugin that does not ask does not pay.
package onpresence

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

func init() { hook.HasPresence = true }
