package onpresence

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

//go:wasmexport on_presence
func export(n uint32, event int32) int32 { return hook.Presence(n, event) }
