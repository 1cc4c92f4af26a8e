package host

import (
	"slices"
	"time"

	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/azuhost/azuhost/internal/fields"
)

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
