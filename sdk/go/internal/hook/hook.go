// Package hook joins the exports of a module and the package azu, which
// handles them. It is there so that a hook can be exported by a package of its
// own: a module exports what its packages export, and each export that the
// host finds costs a call per event.
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

// The optional hooks that this program exports: their packages set these.
var HasPing, HasPong, HasPresence, HasPublish bool

// Use makes channel, an azu.Channel, the one that handles the hooks, and
// returns the one that did. For tests.
var Use func(channel any) (before any)

// Inbox gives the inbox's memory, for hosts that live in the same program.
var Inbox func() []byte
