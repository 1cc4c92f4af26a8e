package config

import "time"

// CacheAuto is the CacheDir that stands for a folder in the user's cache, and
// the StateDir that stands for one in the user's state.
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
		StateDir: CacheAuto,

		Broker: Broker{Prefix: "azuhost", Timeout: Duration(time.Second), TTL: Duration(10 * time.Second), MaxQueue: 16 * mib},

		MaxConnections:           100_000,
		MaxConnectionsPerAddress: 10_000,

		HandshakeTimeout: Duration(10 * time.Second),
		PingInterval:     Duration(25 * time.Second),
		PongTimeout:      Duration(8 * time.Second),
		MessageTimeout:   Duration(30 * time.Second),
		CloseTimeout:     Duration(5 * time.Second),
		ShutdownTimeout:  Duration(30 * time.Second),

		Drain: Drain{Spread: Duration(10 * time.Second), Reconnect: Duration(10 * time.Second)},

		Auth: Auth{
			JWKSMaxStale:  Duration(24 * time.Hour),
			Leeway:        Duration(30 * time.Second),
			RequireExpiry: true,
			Query:         "token",
			MaxToken:      8 * kib,
		},

		Defaults: Route{
			Instances:     "single",
			Metering:      "fuel",
			SlowReader:    "close",
			OnFault:       "keep",
			Auth:          "none",
			AuthRefusal:   "status",
			Allow:         []string{"all"},
			PresenceGrace: Duration(15 * time.Second),
			Store:         "memory",
			History:       History{TTL: Duration(5 * time.Minute)},
			Limits: Limits{
				MaxMessage:            64 * kib,
				MaxQueue:              mib,
				MessagesPerSecond:     10_000,
				MaxRoomsPerConnection: 100,

				Deadline:  Duration(50 * time.Millisecond),
				Fuel:      1_000_000_000,
				Memory:    64 * mib,
				MaxModule: 16 * mib,

				ModuleTypes:         10_000,
				ModuleParams:        1_000,
				ModuleResults:       1_000,
				ModuleImports:       1_000,
				ModuleExports:       10_000,
				ModuleGlobals:       10_000,
				ModuleFunctions:     100_000,
				ModuleBody:          mib,
				ModuleLocals:        50_000,
				ModuleTotalLocals:   2_000_000,
				ModuleNesting:       1_000,
				ModuleBlocks:        10_000,
				ModuleLoopWork:      100_000,
				ModuleLocalWork:     400_000,
				ModuleWork:          400_000_000,
				ModuleBranches:      65_520,
				ModuleOperands:      1_000_000,
				ModuleTables:        16,
				ModuleTableSize:     100_000,
				ModuleData:          100_000,
				ModuleElements:      10_000,
				ModuleElementValues: 200_000,
				ModuleCustoms:       1_000,
				ModuleCustomBytes:   16 * mib,
				ModuleName:          4_096,

				HookEffects:  10_000,
				HookBytes:    4 * mib,
				ValueBytes:   64 * kib,
				StoreBytes:   64 * mib,
				HistoryBytes: 64 * mib,
				Presences:    1_000_000,
				Timers:       10_000,
				MetricSeries: 100,

				Faults:      10,
				FaultWindow: Duration(10 * time.Second),
			},
		},
		origin: map[string]origin{},
	}
}
