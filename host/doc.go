// Package host serves real-time channels: it owns WebSockets, rooms, users,
// presence, broadcasts, limits and metrics, and asks a Channel, most often a
// plugin in WebAssembly, what to do when a client connects, sends a message or
// goes.
//
//	h, err := host.New(host.Options{Routes: []host.Route{
//		{Path: "/rooms/:room_id", Plugin: "rooms.wasm"},
//	}})
//	http.ListenAndServe(":4000", h)
//
// # The life of a message
//
// A client's handshake reaches handshake.go: is it one, may this page connect
// (internal/origin), is there room (connlimits.go), is its token good (authenticate.go)? Then runtime.go runs on_connect; if
// it returns 0 the connection (conn.go) becomes a member of the channel's hub,
// and package internal/socket upgrades it and reads from then on.
//
// A message that internal/socket has read, checked and unmasked comes to
// conn.OnMessage. runtime.go takes a call (call.go) and hands it with the event
// to the route's Channel. A plugin takes an instance (internal/plugin), writes the
// event into the guest's inbox and calls its hook. The guest's host functions
// come back as methods of the call: what it asks for is gathered (call.go,
// internal/store), what it reads sees what it has asked for (look.go). If the hook
// returns 0 all of it happens (commit.go), before the instance serves another
// event; if it fails nothing does, and the client is told INTERNAL_ERROR.
//
// What is sent is encoded once and appended to the batch of a room, or to the
// queue of one connection (internal/hub). When the reader has no more input its
// turn ends: each member of a room gets the batch in one write
// (internal/socket). What a socket does not take waits in a bounded queue.
//
// What comes from outside of the channels does so by publish.go, which asks
// on_publish or has deliver.go send it, disconnect.go and query.go: from the program
// around the host, or from the HTTP API of package admin.
//
// # Beside the messages
//
// clerk.go runs timers and presence events, one goroutine a channel. apply.go
// loads and reloads routes, watch.go sees plugins change, drain.go sends clients
// away at the end, metrics.go and appmetrics.go count, ready.go says whether the
// host can serve new connections.
package host
