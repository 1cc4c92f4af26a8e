// Package hook connects the exports of a module with the package azu, which handles them. With it, an optional hook can
// be exported by a package of its own: a module exports all exports of its packages, and each exported hook costs a
// call for every event.
package hook

// Handlers of the hooks, as in the ABI. The package azu sets them.
var (
	Version  func() uint64
	Connect  func(conn uint64, n uint32) int32
	Message  func(conn uint64, n uint32, kind int32) int32
	Close    func(conn uint64, n uint32, code int32) int32
	Load     func(n uint32) int32
	Timer    func(conn uint64, n uint32) int32
	Ping     func(conn uint64, n uint32) int32
	Pong     func(conn uint64, n uint32) int32
	Presence func(n uint32, event int32) int32
	Publish  func(n uint32, kind int32) int32
)

// The optional hooks that this program exports. Their packages set these variables.
var HasPing, HasPong, HasPresence, HasPublish bool

// Use makes channel, which is an azu.Channel, the one that handles the hooks, and returns the previous one. It is for
// tests.
var Use func(channel any) (before any)

// Inbox returns the memory of the inbox. It is for fake hosts in the same program.
var Inbox func() []byte
