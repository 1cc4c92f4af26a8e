package host

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/azuhost/azuhost/internal/fields"
	"github.com/prometheus/client_golang/prometheus"
)

// Options configure a [Host]. The zero value serves no routes, with the limits of
// [DefaultOptions].
type Options struct {
	// Log receives the log lines of the host and of its plugins. nil:
	// slog.Default().
	Log *slog.Logger
	// Clock is the time that channels see. nil: the system's clock. Package
	// scenario has one for tests.
	Clock Clock
	// Registry takes the metrics of the host. nil: a new one, with the metrics of
	// Go and of the process. Host.Registry returns it, and package admin serves
	// it.
	Registry *prometheus.Registry

	// Node is the name of this host in its cluster, a DNS label in lower case. The
	// ids of its connections begin with it. Nodes that run at the same time need
	// different names. Empty: the machine's name with a random suffix.
	Node string

	// Broker connects the nodes of a cluster.
	Broker Broker

	// Routes are the routes to serve.
	Routes []Route

	// AllowedOrigins are the origins whose pages may connect:
	// "https://app.example.com", a host pattern ("*.example.com"), or "*" for any.
	// Pages of the host that serves the channels always may.
	AllowedOrigins []string
	// AllowedHosts are the names that the Host header of a request may have,
	// without port: "chat.example.com", "*.example.com", or "*" for any. Empty:
	// localhost and IP addresses, which DNS rebinding cannot forge.
	AllowedHosts []string

	// Auth says which tokens the host accepts. nil: the host checks no tokens.
	Auth *Auth

	// MaxConnections bounds the open connections. 0: 100,000.
	MaxConnections int
	// MaxConnectionsPerAddress bounds the open connections of one address. An IPv6
	// /64 counts as one address. 0: 10,000. -1: no bound.
	MaxConnectionsPerAddress int
	// TrustedProxies are the networks (CIDR) of the proxies whose X-Forwarded-For
	// header names the client.
	TrustedProxies []string

	// HandshakeTimeout bounds a handshake, its on_connect included. 0: 10 s.
	HandshakeTimeout time.Duration
	// PingInterval is the time between pings. 0: 25 s. Negative: no pings.
	PingInterval time.Duration
	// PongTimeout bounds the time until a client answers a ping. A client that
	// sends anything else, or reads messages that wait before the ping, is alive as
	// well. 0: 8 s.
	PongTimeout time.Duration
	// MessageTimeout bounds the time from the first byte of a message to its last.
	// 0: 30 s.
	MessageTimeout time.Duration
	// CloseTimeout bounds the closing handshake. 0: 5 s.
	CloseTimeout time.Duration
	// Drain says how Host.Drain closes connections.
	Drain DrainOptions

	// CacheDir is the folder for compiled plugins. Empty: no cache.
	CacheDir string
	// StateDir is the folder for the last good version of each plugin. The host
	// runs that version when it starts with a file that does not load. The folder is
	// made with mode 0700. Hosts with the same routes may share it; files of other
	// routes are removed. Empty: versions are kept in memory only.
	StateDir string
	// Watch loads a plugin when its file changes.
	Watch bool
}

// DrainOptions say how a host closes connections when it drains. A reload may
// change them.
type DrainOptions struct {
	// Spread is the time over which connections are closed, evenly: those of the
	// host in Host.Drain, those of a route when a reload removes it. 0: 10 s.
	// Negative: all at once.
	Spread time.Duration
	// Reconnect is the longest delay after which clients are asked to reconnect.
	// Each is given a random one, so that they do not arrive at other nodes at once.
	// 0: 10 s. Negative: they may reconnect at once.
	Reconnect time.Duration
}

func (o DrainOptions) spread() time.Duration    { return max(o.Spread, 0) }
func (o DrainOptions) reconnect() time.Duration { return max(o.Reconnect, 0) }

// spreadWithin returns Spread, but at most half of the time until ctx ends.
func (o DrainOptions) spreadWithin(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(o.spread(), max(time.Until(end)/2, 0))
	}
	return o.spread()
}

// Instances says how many instances of a plugin run.
type Instances string

// The values of Instances.
const (
	// Single runs one instance for the route. Its globals are shared state.
	Single Instances = "single"
	// Pool runs as many instances as Go has processors. Any of them handles any
	// event.
	Pool Instances = "pool"
)

// SlowReader says what happens to a connection whose send queue is full.
type SlowReader string

// The values of SlowReader.
const (
	// SlowClose closes the connection with 1008.
	SlowClose SlowReader = "close"
	// SlowDropOldest drops the oldest frames that are not partly written.
	SlowDropOldest SlowReader = "drop_oldest"
)

// OnFault says what happens to a connection when its hook fails by a fault.
type OnFault string

// The values of OnFault.
const (
	// FaultKeep sends INTERNAL_ERROR to the client and keeps the connection.
	FaultKeep OnFault = "keep"
	// FaultClose closes the connection with 1011.
	FaultClose OnFault = "close"
)

// Metering says how the time of hooks is bounded.
type Metering string

// The values of Metering.
const (
	// MeterFuel rewrites the plugin so that it counts the instructions that it
	// runs. Limits.Deadline, Limits.Fuel and a bound on the depth of calls hold for
	// any code.
	MeterFuel Metering = "fuel"
	// MeterDeadline checks Limits.Deadline in loops only. Code that calls functions
	// recursively may run longer.
	MeterDeadline Metering = "deadline"
	// MeterOff bounds nothing. It is for trusted plugins.
	MeterOff Metering = "off"
)

// Route is a path and the channel behind it.
type Route struct {
	// Path is the pattern of the path, with parameters as in "/rooms/:room_id".
	Path string
	// Plugin is the path of a .wasm file. Either Plugin or Channel is set.
	Plugin string
	// Channel is a channel in Go.
	Channel Channel
	// Config is given to on_load of the plugin, encoded as JSON. nil: {}.
	Config map[string]any

	// Instances says how many instances of the plugin run. Empty: Single.
	Instances Instances
	// Metering says how the time of hooks is bounded. Empty: MeterFuel.
	Metering Metering
	// SlowReader says what happens when a send queue is full. Empty: SlowClose.
	SlowReader SlowReader
	// OnFault says what happens to a connection whose hook has a fault. Empty:
	// FaultKeep.
	OnFault OnFault
	// Allow lists the capabilities of the plugin. A plugin that needs others is
	// refused, unless its manifest calls them optional: their functions then return
	// PERM. nil: all. Empty, but not nil: none.
	Allow []Capability
	// Subprotocols are the WebSocket subprotocols of the route, the preferred one
	// first. Protocol need not be listed.
	Subprotocols []string
	// AllowedOrigins replaces Options.AllowedOrigins for the route. nil: it does not.
	AllowedOrigins []string
	// Auth says whether clients need a token that Options.Auth accepts. The subject
	// of the token is the user of the connection, and the channel can read the
	// claims. Empty: AuthNone.
	Auth AuthMode
	// AuthRefusal says how a client without a valid token is refused. Empty:
	// RefuseStatus.
	AuthRefusal AuthRefusal
	// PresenceGrace is how long a user stays present after the last connection has
	// ended. 0: 15 s. Negative: none. A reload cannot change it.
	PresenceGrace time.Duration

	// History keeps the messages of rooms, for clients that reconnect
	// (docs/PROTOCOL.md). The zero value keeps none. A reload cannot change it.
	History History
	// Store says where the route's store is. Empty: StoreMemory. A reload cannot
	// change it.
	Store Store
	// SharePresence lets clients of Protocol ask who is present in their rooms.
	SharePresence bool

	// Limits bound the connections and hooks of the route.
	Limits Limits
}

// Store says where the store of a route is.
type Store string

// The values of Store.
const (
	// StoreMemory keeps values in the memory of each node.
	StoreMemory Store = "memory"
	// StoreShared keeps values in the Redis of the broker, for all nodes. Hooks wait
	// for it within Limits.Deadline. Limits.StoreBytes does not bound it.
	StoreShared Store = "shared"
)

// History bounds the history of each room of a route.
type History struct {
	// Size is the number of messages that a room keeps. 0: none.
	Size int
	// TTL is how long a room keeps a message. 0: 5 min.
	TTL time.Duration
}

// Clock is the time that channels see: that of timers, presence, stored values and
// quarantines. Deadlines of hooks and timeouts of sockets use the system's clock. Methods
// may be called concurrently.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// Wait waits until d has passed, or until it receives from wake. ok is false if
	// stop was closed instead.
	Wait(d time.Duration, wake chan struct{}, stop <-chan struct{}) (ok bool)
}

// systemClock is the Clock of the system.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Wait(d time.Duration, wake chan struct{}, stop <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-stop:
		return false
	}
	return true
}

// now returns the time of the host's Clock.
func (h *Host) now() time.Time { return h.clock.Now() }

// DefaultOptions returns the values that hold where a field of Options is zero.
func DefaultOptions() Options {
	b := broker.Options{}.WithDefaults()
	t := socket.Timeouts{}.WithDefaults()
	return Options{
		Broker:                   Broker{Prefix: b.Prefix, Timeout: b.Timeout, TTL: b.TTL, MaxQueue: b.MaxQueue},
		MaxConnections:           100_000,
		MaxConnectionsPerAddress: 10_000,
		HandshakeTimeout:         10 * time.Second,
		PingInterval:             t.PingInterval,
		PongTimeout:              t.Pong,
		MessageTimeout:           t.Message,
		CloseTimeout:             t.Close,
		Drain:                    DrainOptions{Spread: 10 * time.Second, Reconnect: 10 * time.Second},
	}
}

// DefaultRoute returns the values that hold where a field of Route is zero.
func DefaultRoute() Route {
	return Route{
		Instances:     Single,
		Metering:      MeterFuel,
		SlowReader:    SlowClose,
		OnFault:       FaultKeep,
		Auth:          AuthNone,
		AuthRefusal:   RefuseStatus,
		PresenceGrace: 15 * time.Second,
		Store:         StoreMemory,
		History:       History{TTL: hub.HistoryOptions{}.WithDefaults().TTL},
		Limits:        DefaultLimits(),
	}
}

// DefaultAuth returns the values that hold where a field of Auth is zero.
func DefaultAuth() Auth {
	a := auth.Options{}.WithDefaults()
	return Auth{Leeway: a.Leeway, MaxToken: a.MaxToken, JWKSMaxStale: a.MaxStale, Query: a.Query}
}

// withDefaults returns o with its zero fields set, those of its routes included.
func (o Options) withDefaults() Options {
	fields.Fill(&o, DefaultOptions())
	o.Routes = slices.Clone(o.Routes)
	for i, r := range o.Routes {
		o.Routes[i] = r.withDefaults()
	}
	return o
}

// withDefaults returns r with its zero fields set.
func (r Route) withDefaults() Route {
	r.Limits = r.Limits.withDefaults()
	fields.Fill(&r, DefaultRoute())
	return r
}
