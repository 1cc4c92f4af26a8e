package onpong

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

//go:wasmexport on_pong
func export(conn uint64, n uint32) int32 { return hook.Pong(conn, n) }
