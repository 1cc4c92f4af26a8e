package config

import (
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/fields"
)

// PathAuto is the value of CacheDir that stands for a folder in the user's cache folder, and the value of StateDir that
// stands for one in the user's state folder.
const PathAuto = "auto"

// Default returns the default configuration. It takes the defaults of the host from package host.
func Default() *Config {
	c := &Config{
		Listen:          ":4000",
		Internal:        "127.0.0.1:4001",
		Log:             Log{Format: "text", Level: "info"},
		Watch:           true,
		CacheDir:        PathAuto,
		StateDir:        PathAuto,
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
	r.Allow = nil // all capabilities, which are [all] in a file
	fields.Copy(&c.Defaults, r)
	return c
}
