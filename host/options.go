package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configure a Host. The zero value works: it has sensible limits and
// no routes.
type Options struct {
	// Log receives everything that the host has to say. nil: slog.Default().
	Log *slog.Logger
	// Clock is the time of the channels. nil: the system's. For tests: see
	// package hosttest.
	Clock Clock
	// Registry takes the host's metrics. nil: one of its own. Host.Internal
	// serves it.
	Registry *prometheus.Registry

	// Node names this host among those of a cluster, and in the names of its
	// connections: a DNS label in lower case. A node that starts again should have
	// another name than before. Empty: the machine's name and something of chance.
	Node string

	// InternalToken is what Host.Internal asks for, as Authorization: Bearer. Empty:
	// it answers to localhost and IP addresses as host names only, and the API on
	// loopback only.
	InternalToken string

	// Broker links this host with others.
	Broker Broker

	// Routes are the channels to serve.
	Routes []Route

	// AllowedOrigins are the origins that browsers may connect from, besides
	// the host that the request was sent to: "https://app.example.com", a host
	// pattern ("*.example.com"), or "*" for any.
	AllowedOrigins []string
	// AllowedHosts are the names that the Host header may have, without port:
	// "chat.example.com", "*.example.com", or "*" for any. Empty: localhost and
	// IP addresses, which is what DNS rebinding cannot forge.
	AllowedHosts []string

	// Auth says which tokens the host accepts. nil: none is looked at.
	Auth *Auth

	// MaxConnections bounds the open connections. 0: 100,000.
	MaxConnections int
	// MaxConnectionsPerAddress bounds the open connections of one address (an
	// IPv6 /64 counts as one). 0: 10,000. -1: no bound.
	MaxConnectionsPerAddress int
	// TrustedProxies are the networks (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []string

	// HandshakeTimeout bounds a handshake with its on_connect. 0: 10 s.
	HandshakeTimeout time.Duration
	// PingInterval is the time between pings. 0: 25 s. Negative: no pings.
	PingInterval time.Duration
	// PongTimeout is how long the client has to answer a ping, to send anything
	// else, or to read on where messages wait before the ping. 0: 8 s.
	PongTimeout time.Duration
	// MessageTimeout bounds the time from a message's first byte to its last.
	// 0: 30 s.
	MessageTimeout time.Duration
	// CloseTimeout bounds the closing handshake. 0: 5 s.
	CloseTimeout time.Duration
	// Drain says how Host.Drain sends clients away.
	Drain DrainOptions

	// CacheDir keeps compiled plugins between runs. Empty: no cache.
	CacheDir string
	// StateDir keeps the last good version of each plugin, so that a host that
	// starts with a file which does not load has one to run. It is made with mode
	// 0700, and belongs to this host and others with the same routes: files of
	// other routes are removed. Empty: they are kept in memory only.
	StateDir string
	// Watch reloads plugins when their files change.
	Watch bool
}

// DrainOptions say how clients are sent away. They can change in a reload.
type DrainOptions struct {
	// Spread is the time over which Host.Drain closes the connections, evenly,
	// and over which a route that is gone closes its own. 0: 10 s. Negative: all
	// at once.
	Spread time.Duration
	// Reconnect is the window of the times after which clients should come back,
	// each told its own, so that other nodes are not stormed. 0: 10 s. Negative:
	// clients may come back at once.
	Reconnect time.Duration
}

func (o DrainOptions) spread() time.Duration    { return max(o.Spread, 0) }
func (o DrainOptions) reconnect() time.Duration { return max(o.Reconnect, 0) }

// spreadWithin is at most half of the time that ctx leaves.
func (o DrainOptions) spreadWithin(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(o.spread(), max(time.Until(end)/2, 0))
	}
	return o.spread()
}

// Instances says how instances of a plugin relate to connections.
type Instances string

// The values of Instances. "room" and "connection" are not there yet.
const (
	// Single: one instance for the route, its globals are shared state.
	Single Instances = "single"
	// Pool: as many instances as cores, any of them serves any event.
	Pool Instances = "pool"
)

// SlowReader says what happens to a connection whose outgoing queue is full.
type SlowReader string

// The values of SlowReader.
const (
	// SlowClose closes the connection with 1008.
	SlowClose SlowReader = "close"
	// SlowDropOldest drops the oldest whole frames that have not begun to go out.
	SlowDropOldest SlowReader = "drop_oldest"
)

// OnFault says what happens to a connection when its hook fails by a fault.
type OnFault string

// The values of OnFault.
const (
	// FaultKeep tells the client INTERNAL_ERROR and keeps the socket.
	FaultKeep OnFault = "keep"
	// FaultClose closes with 1011.
	FaultClose OnFault = "close"
)

// Metering says how the running time of hooks is bounded.
type Metering string

// The values of Metering.
const (
	// MeterFuel rewrites the plugin so that it pays for what it runs: each hook
	// is bounded by Limits.Deadline, Limits.Fuel and the depth of its calls,
	// whatever it does.
	MeterFuel Metering = "fuel"
	// MeterDeadline bounds each hook by Limits.Deadline, which is looked at in
	// loops only: deep trees of calls run on.
	MeterDeadline Metering = "deadline"
	// MeterOff bounds nothing: for plugins that you trust.
	MeterOff Metering = "off"
)

// Route is a channel: a path and the logic behind it.
type Route struct {
	// Path is the pattern, with parameters as in "/rooms/:room_id".
	Path string
	// Plugin is the path of a .wasm file. Either it or Channel is set.
	Plugin string
	// Channel is logic in Go, in the process, instead of a plugin.
	Channel Channel
	// Config is given to on_load, encoded as JSON. nil: {}.
	Config map[string]any

	// Instances. Empty: Single.
	Instances Instances
	// Metering. Empty: MeterFuel.
	Metering Metering
	// SlowReader. Empty: SlowClose.
	SlowReader SlowReader
	// OnFault. Empty: FaultKeep.
	OnFault OnFault
	// Allow is what the plugin may ask the host for. One that imports more is
	// refused, unless its manifest says that it can live without: then these
	// functions answer PERM. nil: everything. Empty, and not nil: nothing.
	Allow []Capability
	// Subprotocols that the route speaks, best first.
	Subprotocols []string
	// AllowedOrigins replace Options.AllowedOrigins for this route. nil: they hold.
	AllowedOrigins []string
	// Auth says whether clients need a token of Options.Auth. Its subject is then
	// the user of the connection, and the plugin is given its claims. Empty: AuthNone.
	Auth AuthMode
	// AuthRefusal says how a client without a good token is refused. Empty:
	// RefuseStatus.
	AuthRefusal AuthRefusal
	// PresenceGrace is how long a user stays present after the last
	// connection went. 0: 15 s. Negative: none.
	PresenceGrace time.Duration

	// History keeps what is sent to rooms, for clients that were away for a
	// moment (docs/PROTOCOL.md). The zero value keeps nothing. It can not change in
	// a reload.
	History History
	// Store says where the values of the channel's store are. Empty:
	// StoreMemory. It can not change in a reload.
	Store Store
	// SharePresence lets clients of the subprotocol ask who is present in the
	// rooms that they are in.
	SharePresence bool

	// Limits of this route. Zero values are the defaults.
	Limits Limits
}

// Store says where the values of a channel's store are.
type Store string

// The values of Store.
const (
	// StoreMemory: in the memory of the node, each with its own.
	StoreMemory Store = "memory"
	// StoreShared: in the broker's Redis, one for all nodes. Reads and writes wait
	// for it, within Limits.Deadline; Limits.StoreBytes does not bound it.
	StoreShared Store = "shared"
)

// History says what each room of a route keeps of what was sent to it.
type History struct {
	// Size is how many messages a room keeps. 0: none.
	Size int
	// TTL is how long it keeps them. 0: 5 min.
	TTL time.Duration
}
