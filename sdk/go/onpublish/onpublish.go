// Package onpublish exports the hook on_publish. Import it in a plugin whose channel has the method
// OnPublish:
//
//	import _ "github.com/azuhost/azuhost/sdk/go/onpublish"
//
// A plugin that exports the hook decides about all messages from outside, and a Go module exports all exports of its
// packages. So the hook is in a package of its own.
package onpublish

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

func init() { hook.HasPublish = true }
