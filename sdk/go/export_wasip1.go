package azu

// The exports of every plugin. on_load and on_timer have no cost if they are not used: the host calls one once for each
// instance, and the other for timers only. on_ping, on_pong, on_presence and on_publish are in packages of their own.

//go:wasmexport azu_v1
func exportVersion() uint64 { return version() }

//go:wasmexport on_connect
func exportConnect(conn uint64, n uint32) int32 { return handleConnect(conn, n) }

//go:wasmexport on_message
func exportMessage(conn uint64, n uint32, kind int32) int32 { return handleMessage(conn, n, kind) }

//go:wasmexport on_close
func exportClose(conn uint64, n uint32, code int32) int32 { return handleClose(conn, n, code) }

//go:wasmexport on_load
func exportLoad(n uint32) int32 { return handleLoad(n) }

//go:wasmexport on_timer
func exportTimer(conn uint64, n uint32) int32 { return handleTimer(conn, n) }
