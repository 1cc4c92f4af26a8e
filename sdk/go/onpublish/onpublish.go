// Package onpublish exports the hook on_publish. Import it for its effect, in a plugin
// whose channel has the method OnPublish:
//
//	import _ "github.com/azuhost/azuhost/sdk/go/onpublish"
//
// A plugin that exports it is in charge of what is published from outside, and a
// Go module exports whatever its packages export. So it is a package of its own.
package onpublish

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

func init() { hook.HasPublish = true }
