// Package azu is for channels of azuhost written in Go: plugins that run in
// WebAssembly inside the host.
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
// A plugin is a program of mode c-shared:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o chat.wasm .
//
// # Hooks
//
// A channel's methods are called for what happens to its connections. Hooks
// are atomic: everything that a hook asks for (send, join, close, a value, a
// timer …) takes effect when it returns nil, and none of it when it returns an
// error. Within a hook, reads see what the hook itself has done.
//
// The functions of this package ask the host and may be called in hooks only.
// Names of rooms, users, parameters, keys, timers and metrics are 1 to 255
// bytes of UTF-8 without control characters and line separators; others are
// refused with [ErrInvalid]. Strings and bytes that are passed in are copied before the
// call returns.
//
// # State
//
// Global variables are state that all connections share, as long as the route
// has "instances: single", which is the default. They are gone when a new
// version of the plugin is loaded, and they do not go back when a hook fails.
// What the host keeps lives on in both cases: rooms, users, the values of a
// connection ([Conn.SetValue]) and the channel's store ([Key]).
//
// # Errors and panics
//
// A hook that returns an error fails: the host logs the error's text, and
// tells the client INTERNAL_ERROR, no more. An OnConnect that fails refuses
// the connection with status 500; [Refuse] and [RefuseClose] choose another
// answer.
//
// A panic fails the hook in the same way, and its stack goes to the log; the
// instance goes on. Otherwise one client that finds a bug could throw away
// what all the others share, again and again. The host drops what the hook had
// asked for; global variables stay as the panic found them, so release locks
// with defer. If you would rather start anew, call os.Exit: the host replaces
// the instance. That is also what happens after the errors that Go cannot
// recover from: no memory, a deadlock, a stack that overflows.
//
// # Goroutines
//
// Goroutines do not run between hooks: the program stands still until the next
// event, and time spent waiting in a hook counts towards its deadline. A
// goroutine that a hook leaves behind goes on whenever a later hook waits, and
// what it then asks for belongs to that hook. So use goroutines within a hook
// at most, and wait for them there. For later work set a timer ([SetTimer],
// [Conn.SetTimer]): OnTimer is a hook like any other.
//
// # Tests
//
// The package compiles for any target. With the package azutest a channel is
// tested with go test, without Wasm.
package azu
