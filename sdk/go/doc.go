// Package azu is the SDK for channels of azuhost in Go: plugins that run in WebAssembly inside the host.
//
//	package main
//
//	import azu "github.com/azuhost/azuhost/sdk/go"
//
//	type chat struct{ azu.Base }
//
//	func (chat) OnConnect(c azu.Conn) error                  { return c.Join("lobby") }
//	func (chat) OnMessage(c azu.Conn, m azu.Message) error { return azu.Room("lobby").Broadcast(m) }
//
//	func init() { azu.Register(chat{}) }
//	func main() {}
//
// A plugin is a program with the build mode c-shared:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o chat.wasm .
//
// # Hooks
//
// The host calls the methods of a channel, its hooks, for the events of its connections. A hook is atomic: its effects
// (messages, rooms, closes, values, timers …) take place when it returns nil, and none of them when it returns an
// error. Within a hook, reads see the effects of the hook itself.
//
// The functions of this package call the host, and work in hooks only. Names of rooms, users, parameters, keys, timers
// and metrics are 1 to 255 bytes of UTF-8 without control characters and line separators; for others functions return
// [ErrInvalid]. Strings and bytes that are passed in are copied before the call returns.
//
// # State
//
// All connections share the global variables of the program if the route has "instances: single", which is the default.
// A new version of the plugin starts with new ones, and a hook that fails does not restore them. The host keeps rooms,
// users, the values of a connection ([Conn.SetValue]) and the channel's store ([Key]); these outlive a version, and a
// hook that fails does not change them.
//
// # Errors and panics
//
// A hook that returns an error fails. The host logs the text of the error, and sends INTERNAL_ERROR without it to the
// client. An OnConnect that fails refuses the connection with the status 500; [Refuse] and [RefuseClose] refuse it with
// another status or with a close code.
//
// A hook that panics fails in the same way, and its stack trace goes to the log. The instance stays in use: otherwise
// one client that finds a bug could make the host discard the state of all others repeatedly. Global variables keep
// their values, so release locks with defer. A plugin that prefers a new instance calls os.Exit, and the host replaces
// the instance. The host also replaces it after errors that Go cannot recover from: no memory, a deadlock, a stack
// overflow.
//
// # Goroutines
//
// Goroutines do not run between hooks: the program is stopped until the next event, and the time for which a hook waits
// counts towards its deadline. A goroutine that outlives its hook runs while a later hook waits, and its calls belong
// to that hook. So start goroutines only in a hook that waits for them. For later work set a timer ([SetTimer],
// [Conn.SetTimer]): OnTimer is a hook like any other.
//
// # Tests
//
// The package compiles for every target. The package azutest tests a channel with go test, without WebAssembly.
package azu
