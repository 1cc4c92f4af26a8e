package config

import (
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/fields"
)

// CacheAuto is the CacheDir that stands for a folder in the user's cache, and
// the StateDir that stands for one in the user's state.
const CacheAuto = "auto"

// Default returns the values that hold where nothing is set. What the host has a
// default for comes from the host.
func Default() *Config {
	c := &Config{
		Listen:          ":4000",
		Internal:        "127.0.0.1:4001",
		Log:             Log{Format: "text", Level: "info"},
		Watch:           true,
		CacheDir:        CacheAuto,
		StateDir:        CacheAuto,
		ShutdownTimeout: Duration(30 * time.Second),
		Auth:            Auth{RequireExpiry: true},
		Defaults:        Route{Allow: []string{string(abi.AllCapabilities)}},
		origin:          map[string]origin{},
	}
	o := host.DefaultOptions()
	fields.Copy(&c.Broker, o.Broker)
	fields.Copy(&c.Drain, o.Drain)
	c.MaxConnections, c.MaxConnectionsPerAddress = o.MaxConnections, o.MaxConnectionsPerAddress
	c.HandshakeTimeout, c.CloseTimeout = Duration(o.HandshakeTimeout), Duration(o.CloseTimeout)
	c.PingInterval, c.PongTimeout = Duration(o.PingInterval), Duration(o.PongTimeout)
	c.MessageTimeout = Duration(o.MessageTimeout)
	fields.Copy(&c.Auth, host.DefaultAuth())
	r := host.DefaultRoute()
	r.Allow = nil // all, which the file has a word for
	fields.Copy(&c.Defaults, r)
	return c
}
