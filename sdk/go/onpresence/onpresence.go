// Package onpresence exports the hook on_presence. Import it in a plugin whose channel has the method
// OnPresence:
//
//	import _ "github.com/azuhost/azuhost/sdk/go/onpresence"
//
// The host calls a hook for every event if a module exports it, and a Go module exports all exports of its packages.
// The hook is in a package of its own, so that plugins that do not need it have no cost from it.
package onpresence

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

func init() { hook.HasPresence = true }
