// Package config reads the configuration of the azuhost command. It has three layers: one YAML file, AZUHOST_ variables
// of the environment, and flags. A variable overrides the file, and a flag overrides both.
//
// The structs in config.go are the schema. The decoder, the variables, the flags and docs/CONFIG.md follow their tags.
// The texts that describe the keys are in docs.go.
package config

// Tags of the schema:
//
//	yaml    name of the key
//	oneof   allowed words
//	min     least allowed number
//	reload  "restart": SIGHUP cannot change the key
//	env     "-": no variable sets the key
//	flag    "-": no flag sets the key
//	print   "url": Print masks the user and the query, which may be secret
//	short   "yes": a file may give the key's value in place of its block, as in broker: URL

// Config is a configuration. Default returns the default values.
type Config struct {
	Listen        string `yaml:"listen" reload:"restart"`
	Internal      string `yaml:"internal" reload:"restart"`
	InternalToken Secret `yaml:"internal_token" flag:"-"`

	Node string `yaml:"node" reload:"restart"`

	Broker Broker `yaml:"broker"`

	TLS TLS `yaml:"tls"`
	Log Log `yaml:"log"`

	Playground bool `yaml:"playground"`
	Watch      bool `yaml:"watch"`
	CacheDir   Path `yaml:"cache_dir" reload:"restart"`

	StateDir Path `yaml:"state_dir" reload:"restart"`

	AllowedOrigins []string `yaml:"allowed_origins"`
	AllowedHosts   []string `yaml:"allowed_hosts"`
	TrustedProxies []string `yaml:"trusted_proxies"`

	Auth Auth `yaml:"auth"`

	MaxConnections           int `yaml:"max_connections" min:"1" reload:"restart"`
	MaxConnectionsPerAddress int `yaml:"max_connections_per_address" min:"0" reload:"restart"`

	HandshakeTimeout Duration `yaml:"handshake_timeout" min:"1" reload:"restart"`
	PingInterval     Duration `yaml:"ping_interval" min:"0" reload:"restart"`
	PongTimeout      Duration `yaml:"pong_timeout" min:"1" reload:"restart"`
	MessageTimeout   Duration `yaml:"message_timeout" min:"1" reload:"restart"`
	CloseTimeout     Duration `yaml:"close_timeout" min:"1" reload:"restart"`
	ShutdownTimeout  Duration `yaml:"shutdown_timeout" min:"1"`

	Drain Drain `yaml:"drain"`

	// Defaults holds the values that routes inherit.
	Defaults Route `yaml:"defaults"`
	// Routes lists the routes in the order of the file.
	Routes []Route `yaml:"routes"`

	// file is the path of the config file. It is empty if none was read.
	file string
	// origin maps the name of each key that was set to the place that set it.
	origin map[string]origin
}

// Broker configures the connection between the nodes of a cluster. A file may give the URL in its place, as in
// broker: redis://host:6379.
type Broker struct {
	URL      Secret   `yaml:"url" short:"yes" flag:"-" reload:"restart"`
	CA       Path     `yaml:"ca" reload:"restart"`
	Required bool     `yaml:"required" reload:"restart"`
	Prefix   string   `yaml:"prefix" reload:"restart"`
	Timeout  Duration `yaml:"timeout" min:"1" reload:"restart"`
	TTL      Duration `yaml:"ttl" min:"1" reload:"restart"`
	MaxQueue Size     `yaml:"max_queue" min:"1" reload:"restart"`
}

// TLS names the certificate of the public listener. Both keys are set, or none.
type TLS struct {
	Cert Path `yaml:"cert"`
	Key  Path `yaml:"key"`
}

// Drain configures how connections are closed when azuhost shuts down.
type Drain struct {
	Spread    Duration `yaml:"spread" min:"0"`
	Reconnect Duration `yaml:"reconnect" min:"0"`
}

// Log configures the log.
type Log struct {
	Format string `yaml:"format" oneof:"text json" reload:"restart"`
	Level  string `yaml:"level" oneof:"debug info warn error"`
}

// Auth configures the tokens that the host accepts. One source of keys is set.
type Auth struct {
	Secret        Secret   `yaml:"secret" flag:"-"`
	SecretFile    Path     `yaml:"secret_file"`
	PublicKeyFile Path     `yaml:"public_key_file"`
	JWKSFile      Path     `yaml:"jwks_file"`
	JWKSURL       string   `yaml:"jwks_url" print:"url"`
	JWKSRefresh   Duration `yaml:"jwks_refresh" min:"0"`
	JWKSMaxStale  Duration `yaml:"jwks_max_stale" min:"1"`
	Algorithms    []string `yaml:"algorithms"`
	Issuer        string   `yaml:"issuer"`
	Audience      []string `yaml:"audience"`
	Leeway        Duration `yaml:"leeway" min:"0"`
	RequireExpiry bool     `yaml:"require_expiry"`
	Query         string   `yaml:"query"`
	Cookie        string   `yaml:"cookie"`
	MaxToken      Size     `yaml:"max_token" min:"1"`
}

// Route configures a route. In Config.Defaults it holds the defaults of all routes.
type Route struct {
	// Path is the pattern of the route. The file has it as the key. It is empty in Config.Defaults.
	Path string `yaml:"-"`

	Plugin         Path           `yaml:"plugin"`
	Config         map[string]any `yaml:"config"`
	Instances      string         `yaml:"instances" oneof:"single pool"`
	Metering       string         `yaml:"metering" oneof:"fuel deadline off"`
	SlowReader     string         `yaml:"slow_reader" oneof:"close drop_oldest"`
	OnFault        string         `yaml:"on_fault" oneof:"keep close"`
	Allow          []string       `yaml:"allow"`
	Subprotocols   []string       `yaml:"subprotocols"`
	Auth           string         `yaml:"auth" oneof:"none optional required"`
	AuthRefusal    string         `yaml:"auth_refusal" oneof:"status close"`
	AllowedOrigins []string       `yaml:"allowed_origins"`
	PresenceGrace  Duration       `yaml:"presence_grace" min:"0" reload:"restart"`
	History        History        `yaml:"history"`
	Store          string         `yaml:"store" oneof:"memory shared" reload:"restart"`
	SharePresence  bool           `yaml:"share_presence"`
	Limits         Limits         `yaml:"limits"`
}

// History configures the messages that the rooms of a route keep.
type History struct {
	Size int      `yaml:"size" min:"0" reload:"restart"`
	TTL  Duration `yaml:"ttl" min:"1" reload:"restart"`
}

// Limits bounds the resources of the connections and hooks of a route.
type Limits struct {
	MaxMessage            Size `yaml:"max_message" min:"1"`
	MaxQueue              Size `yaml:"max_queue" min:"1"`
	MaxConnections        int  `yaml:"max_connections" min:"0"`
	MessagesPerSecond     int  `yaml:"messages_per_second" min:"0"`
	MessageBurst          int  `yaml:"message_burst" min:"0"`
	MaxRoomsPerConnection int  `yaml:"max_rooms_per_connection" min:"1"`

	Deadline  Duration `yaml:"deadline" min:"1"`
	Fuel      int      `yaml:"fuel" min:"1"`
	Memory    Size     `yaml:"memory" min:"65536"`
	MaxModule Size     `yaml:"max_module" min:"1"`

	Module ModuleLimits `yaml:",inline"`

	HookEffects  int  `yaml:"hook_effects" min:"1"`
	HookBytes    Size `yaml:"hook_bytes" min:"1"`
	ValueBytes   Size `yaml:"value_bytes" min:"1"`
	StoreBytes   Size `yaml:"store_bytes" min:"1"`
	HistoryBytes Size `yaml:"history_bytes" min:"1" reload:"restart"`
	Presences    int  `yaml:"presences" min:"1"`
	Timers       int  `yaml:"timers" min:"1"`
	MetricSeries int  `yaml:"metric_series" min:"1"`

	Faults      int      `yaml:"faults" min:"1"`
	FaultWindow Duration `yaml:"fault_window" min:"1"`
}

// ModuleLimits bounds the declarations in the file of a plugin. Its keys are part of the block limits.
type ModuleLimits struct {
	Types         int  `yaml:"max_types" min:"1"`
	Params        int  `yaml:"max_params" min:"1"`
	Results       int  `yaml:"max_results" min:"1"`
	Imports       int  `yaml:"max_imports" min:"1"`
	Exports       int  `yaml:"max_exports" min:"1"`
	Globals       int  `yaml:"max_globals" min:"1"`
	Functions     int  `yaml:"max_functions" min:"1"`
	Body          Size `yaml:"max_body" min:"1"`
	Locals        int  `yaml:"max_locals" min:"1"`
	TotalLocals   int  `yaml:"max_total_locals" min:"1"`
	Nesting       int  `yaml:"max_nesting" min:"1"`
	Blocks        int  `yaml:"max_blocks" min:"1"`
	LoopWork      int  `yaml:"max_loop_work" min:"1"`
	LocalWork     int  `yaml:"max_local_work" min:"1"`
	Work          int  `yaml:"max_work" min:"1"`
	Branches      int  `yaml:"max_branches" min:"1"`
	Operands      int  `yaml:"max_operands" min:"1"`
	Tables        int  `yaml:"max_tables" min:"1"`
	TableSize     int  `yaml:"max_table_size" min:"1"`
	Data          int  `yaml:"max_data" min:"1"`
	Elements      int  `yaml:"max_elements" min:"1"`
	ElementValues int  `yaml:"max_element_values" min:"1"`
	Customs       int  `yaml:"max_customs" min:"1"`
	CustomBytes   Size `yaml:"max_custom_bytes" min:"1"`
	Name          int  `yaml:"max_name" min:"1"`
}
