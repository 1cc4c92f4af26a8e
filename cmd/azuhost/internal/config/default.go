package config

import "time"

// CacheAuto is the CacheDir that stands for a folder in the user's cache.
const CacheAuto = "auto"

// Default returns what holds where nothing is set. Where the host has a
// default of its own, this is the same; a test holds the two together.
func Default() *Config {
	return &Config{
		Listen:   ":4000",
		Internal: "127.0.0.1:4001",
		Log:      Log{Format: "text", Level: "info"},
		Watch:    true,
		CacheDir: CacheAuto,

		MaxConnections:           100_000,
		MaxConnectionsPerAddress: 10_000,

		HandshakeTimeout: Duration(10 * time.Second),
		PingInterval:     Duration(25 * time.Second),
		PongTimeout:      Duration(8 * time.Second),
		MessageTimeout:   Duration(30 * time.Second),
		CloseTimeout:     Duration(5 * time.Second),
		ShutdownTimeout:  Duration(10 * time.Second),

		Defaults: Route{
			Instances:     "single",
			Metering:      "deadline",
			SlowReader:    "close",
			OnFault:       "keep",
			PresenceGrace: Duration(15 * time.Second),
			Limits: Limits{
				MaxMessage:            64 * kib,
				MaxQueue:              mib,
				MaxRoomsPerConnection: 100,

				Deadline:  Duration(50 * time.Millisecond),
				Memory:    64 * mib,
				MaxModule: 16 * mib,

				HookEffects:  10_000,
				HookBytes:    4 * mib,
				ValueBytes:   64 * kib,
				StoreBytes:   64 * mib,
				Timers:       10_000,
				MetricSeries: 100,
			},
		},
		origin: map[string]origin{},
	}
}
