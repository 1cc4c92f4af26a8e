package onpublish

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

//go:wasmexport on_publish
func export(n uint32, kind int32) int32 { return hook.Publish(n, kind) }
