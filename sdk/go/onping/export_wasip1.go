package onping

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

//go:wasmexport on_ping
func export(conn uint64, n uint32) int32 { return hook.Ping(conn, n) }
