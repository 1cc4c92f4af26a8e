// Package host serves real-time channels over WebSockets. It owns connections,
// rooms, users, presence, broadcasts, limits and metrics. What a channel does is
// a plugin in WebAssembly, which runs in a sandbox and can be replaced while
// connections stay open, or a [Channel] in Go.
//
// # Embedding
//
// A [Host] is an http.Handler that serves its routes:
//
//	h, err := host.New(host.Options{
//		Routes: []host.Route{{Path: "/rooms/:room_id", Plugin: "rooms.wasm"}},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	server := &http.Server{Addr: ":4000", Handler: h}
//
// The end of a host has an order: [Host.Drain] closes the connections while the
// server still answers new ones with 503, then the server is shut down, then
// [Host.Close] frees the plugins.
//
// [Host.Reload] applies other options and keeps the connections. [Check] reports
// what is wrong with options without serving them, and [Inspect] describes a
// plugin.
//
// # Channels in Go
//
// [Funcs] makes a [Channel] of functions. Each hook gets an [Env], through which it
// sends messages, joins rooms, identifies users, reads and stores values and sets
// timers. The changes of a hook take effect together when it returns nil, and not at
// all when it returns an error.
//
// # From outside of the channels
//
// [Host.Publish] sends a message to a room, to users or to all connections.
// [Host.Disconnect] closes connections. [Host.Rooms], [Host.Members], [Host.Presence],
// [Host.Online] and [Host.Connections] report who is connected. Package admin serves
// the same over HTTP, with metrics and health checks.
//
// # Defaults and limits
//
// The zero value of [Options], [Route] and [Limits] works. [DefaultOptions],
// [DefaultRoute] and [DefaultLimits] return the values that a zero field stands for.
//
// docs/ARCHITECTURE.md describes how the host is built.
package host
