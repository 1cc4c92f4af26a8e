// Package config reads the configuration of the azuhost command: one YAML
// file, AZUHOST_ variables of the environment above it, and flags above both.
// The structs of this file are the schema: decoder, environment, flags and
// docs/CONFIG.md follow their tags.
package config

// Tags of the schema:
//
//	yaml    the key
//	doc     what it does, for docs/CONFIG.md and --help
//	oneof   the allowed words
//	min     the least allowed number
//	reload  "restart" where SIGHUP cannot change it
//	env     "-" where no variable sets it
//	flag    "-" where no flag sets it
//	print   "url" where its user and query may be secret, and are masked
//	short   the key may stand in the place of its block: broker: URL

// Config is everything that can be set. Default has the values that hold
// where nothing is set.
type Config struct {
	Listen        string `yaml:"listen" reload:"restart" doc:"Address of the public listener, which serves the channels."`
	Internal      string `yaml:"internal" reload:"restart" doc:"Address of the internal listener: /api/v1, /metrics, /livez, /readyz, /debug/pprof/. Empty: off. Beyond loopback it needs internal_token."`
	InternalToken Secret `yaml:"internal_token" flag:"-" doc:"Token that requests to /api, /metrics and /debug/pprof/ need, as Authorization: Bearer. /livez and /readyz stay open."`

	Node string `yaml:"node" reload:"restart" doc:"Name of this node in its cluster and in connection ids: a DNS label in lower case. Empty: the machine's name and random letters, new at each start."`

	Broker Broker `yaml:"broker"`

	TLS TLS `yaml:"tls"`
	Log Log `yaml:"log"`

	Playground bool `yaml:"playground" doc:"Serve a page at / that tries the channels, under the names of allowed_hosts. For development."`
	Watch      bool `yaml:"watch" doc:"Load a plugin again when its file changes."`
	CacheDir   Path `yaml:"cache_dir" reload:"restart" doc:"Folder that keeps compiled plugins between runs. auto: azuhost in the user's cache folder. Empty: no cache."`

	StateDir Path `yaml:"state_dir" reload:"restart" doc:"Folder that keeps the last good version of each plugin, for a start with a file that does not load. Configurations with different routes need different folders. auto: one for this config file, in the user's state folder. Empty: memory only."`

	AllowedOrigins []string `yaml:"allowed_origins" doc:"Origins that browsers may connect from, besides the host that serves them: https://app.example.com, *.example.com, or * for any."`
	AllowedHosts   []string `yaml:"allowed_hosts" doc:"Names that the Host header may have, without port: chat.example.com, *.example.com, or * for any. Empty: localhost and IP addresses."`
	TrustedProxies []string `yaml:"trusted_proxies" doc:"Networks (CIDR) or addresses of proxies whose X-Forwarded-For is believed."`

	Auth Auth `yaml:"auth"`

	MaxConnections           int `yaml:"max_connections" min:"1" reload:"restart" doc:"Largest number of open connections."`
	MaxConnectionsPerAddress int `yaml:"max_connections_per_address" min:"0" reload:"restart" doc:"Largest number of connections from one address; an IPv6 /64 counts as one. 0: no limit."`

	HandshakeTimeout Duration `yaml:"handshake_timeout" min:"1" reload:"restart" doc:"Time for the headers of a handshake, and again for its on_connect. Time for the body of other requests."`
	PingInterval     Duration `yaml:"ping_interval" min:"0" reload:"restart" doc:"Time between pings. 0: no pings."`
	PongTimeout      Duration `yaml:"pong_timeout" min:"1" reload:"restart" doc:"Time that a client has to answer a ping. Anything else that it sends, or reads from its queue, also counts as an answer."`
	MessageTimeout   Duration `yaml:"message_timeout" min:"1" reload:"restart" doc:"Time from a message's first byte to its last."`
	CloseTimeout     Duration `yaml:"close_timeout" min:"1" reload:"restart" doc:"Time for the closing handshake."`
	ShutdownTimeout  Duration `yaml:"shutdown_timeout" min:"1" doc:"Time for the end of azuhost. Connections that are still open then are cut."`

	Drain Drain `yaml:"drain"`

	// Defaults is what every route starts from.
	Defaults Route `yaml:"defaults"`
	// Routes are the channels, in the order of the file.
	Routes []Route `yaml:"routes"`

	// file is the path of the config file; empty: none was read.
	file string
	// origin says where each set key comes from, by its name.
	origin map[string]origin
}

// Broker says how the nodes of a cluster reach each other. The file may have
// the URL in its place: broker: redis://host:6379.
type Broker struct {
	URL      Secret   `yaml:"url" short:"yes" flag:"-" reload:"restart" doc:"Redis that joins the nodes of a cluster: redis://[user:password@]host:port[/db], or rediss:// for TLS; ?addr=host:port for more nodes of a Redis Cluster, ?master_set=name for sentinels; or unix:///path. In the file, broker: URL is enough. Empty: this node is alone."`
	CA       Path     `yaml:"ca" reload:"restart" doc:"File (PEM) with the certificates of the trusted authorities for rediss://. Empty: the system's."`
	Required bool     `yaml:"required" reload:"restart" doc:"Fail at the start if Redis cannot be reached within 10s. Otherwise the node starts alone and joins the cluster later."`
	Prefix   string   `yaml:"prefix" reload:"restart" doc:"Prefix of all keys and channels in Redis. Clusters that share a Redis need different prefixes."`
	Timeout  Duration `yaml:"timeout" min:"1" reload:"restart" doc:"Time that Redis has to answer before the link counts as broken."`
	TTL      Duration `yaml:"ttl" min:"1" reload:"restart" doc:"Time without a heartbeat after which a node, and the users present on it, count as gone."`
	MaxQueue Size     `yaml:"max_queue" min:"1" reload:"restart" doc:"Largest number of bytes that wait for Redis."`
}

// TLS names the certificate of the public listener. Both or none are set.
type TLS struct {
	Cert Path `yaml:"cert" doc:"Certificate file (PEM), with intermediates. SIGHUP reads it again."`
	Key  Path `yaml:"key" doc:"Key file (PEM) of the certificate."`
}

// Drain says how clients are sent away when azuhost ends.
type Drain struct {
	Spread    Duration `yaml:"spread" min:"0" doc:"Time over which connections are closed, evenly, when azuhost ends or a route is removed; at most half of shutdown_timeout. 0: all at once."`
	Reconnect Duration `yaml:"reconnect" min:"0" doc:"Longest time after which a drained client reconnects; each is given a random one up to this. 0: at once."`
}

// Log says how the log is written.
type Log struct {
	Format string `yaml:"format" oneof:"text json" reload:"restart" doc:"Format of the log on standard error."`
	Level  string `yaml:"level" oneof:"debug info warn error" doc:"Lowest level that is logged."`
}

// Auth says which tokens the host accepts. One source of keys is set.
type Auth struct {
	Secret        Secret   `yaml:"secret" flag:"-" doc:"Secret shared with the issuer of the tokens, for HS256: at least 32 bytes."`
	SecretFile    Path     `yaml:"secret_file" doc:"File with the secret. SIGHUP reads this file and the files below again."`
	PublicKeyFile Path     `yaml:"public_key_file" doc:"File with public keys or certificates (PEM): RSA, EC (P-256) or Ed25519."`
	JWKSFile      Path     `yaml:"jwks_file" doc:"File with public keys, as a JWKS."`
	JWKSURL       string   `yaml:"jwks_url" print:"url" doc:"URL where the issuer publishes its keys as a JWKS: https, or http on loopback. Needs issuer and audience. Addresses in tokens are never fetched."`
	JWKSRefresh   Duration `yaml:"jwks_refresh" min:"0" doc:"Time between fetches of jwks_url. 0: as its Cache-Control says, between 1m and 1h; 15m without one. A token with an unknown kid triggers a fetch, at most once in 10s."`
	JWKSMaxStale  Duration `yaml:"jwks_max_stale" min:"1" doc:"How long keys stay in use while jwks_url cannot be fetched. After that, as before the first fetch, tokens are refused with 503."`
	Algorithms    []string `yaml:"algorithms" doc:"Allowed algorithms, of HS256, RS256, ES256 and EdDSA. Empty: those of the keys. A key verifies only the algorithm of its type."`
	Issuer        string   `yaml:"issuer" doc:"Required value of the claim iss. Empty: any."`
	Audience      []string `yaml:"audience" doc:"The claim aud must contain one of these. Empty: a token must have no aud."`
	Leeway        Duration `yaml:"leeway" min:"0" doc:"Allowed difference between the clocks of issuer and host, for exp and nbf."`
	RequireExpiry bool     `yaml:"require_expiry" doc:"Refuse tokens without exp."`
	Query         string   `yaml:"query" doc:"Query parameter that carries the token. Empty: none."`
	Cookie        string   `yaml:"cookie" doc:"Cookie that carries the token. Empty: none. Browsers send it from pages of any site: allowed_origins keeps other sites out."`
	MaxToken      Size     `yaml:"max_token" min:"1" doc:"Largest token."`
}

// Route is a channel, or the defaults of all of them.
type Route struct {
	// Path is the pattern of the route: the key in the file, none in defaults.
	Path string `yaml:"-"`

	Plugin         Path           `yaml:"plugin" doc:"Path of the .wasm file."`
	Config         map[string]any `yaml:"config" doc:"Any YAML. The plugin's on_load receives it as JSON. The config of a route replaces the one of defaults."`
	Instances      string         `yaml:"instances" oneof:"single pool" doc:"single: one instance, whose globals are shared state. pool: one instance for each core, for plugins that keep their state in the host."`
	Metering       string         `yaml:"metering" oneof:"fuel deadline off" doc:"fuel: the plugin is rewritten to count fuel, and limits.deadline and limits.fuel end every hook. deadline: limits.deadline is checked in loops only. off: nothing ends a hook; for plugins that you trust."`
	SlowReader     string         `yaml:"slow_reader" oneof:"close drop_oldest" doc:"What happens when the queue of a connection is full. close: the connection is closed with 1008. drop_oldest: the oldest queued messages are dropped."`
	OnFault        string         `yaml:"on_fault" oneof:"keep close" doc:"What happens to a connection whose hook trapped or exceeded its deadline. keep: it receives INTERNAL_ERROR. close: it is closed with 1011."`
	Allow          []string       `yaml:"allow" doc:"Capabilities of the plugin: all, or some of send, broadcast, close, rooms, identify, users, request, values, store, timers, metrics, log, time, random and stdio (azuhost inspect lists those that it asks for). A plugin that imports more is refused, unless its manifest makes them optional. []: none."`
	Subprotocols   []string       `yaml:"subprotocols" doc:"WebSocket subprotocols that the channel speaks, in order of preference."`
	Auth           string         `yaml:"auth" oneof:"none optional required" doc:"Whether clients need a token, verified as the top-level auth says. none: the plugin decides. optional: a token may be missing, but not invalid. Its sub is the user of the connection; the plugin can read its claims."`
	AuthRefusal    string         `yaml:"auth_refusal" oneof:"status close" doc:"How a client without a valid token is refused. status: with 401, which pages in browsers cannot see. close: after the upgrade, with 3000."`
	AllowedOrigins []string       `yaml:"allowed_origins" doc:"Replaces the top-level allowed_origins for the route."`
	PresenceGrace  Duration       `yaml:"presence_grace" min:"0" reload:"restart" doc:"How long a user stays present after the last connection closed. 0: not at all."`
	History        History        `yaml:"history"`
	Store          string         `yaml:"store" oneof:"memory shared" reload:"restart" doc:"Where the channel's key-value store is. memory: in this node. shared: in the Redis of broker, one for all nodes; a hook waits for it up to limits.deadline, and limits.store_bytes does not apply."`
	SharePresence  bool           `yaml:"share_presence" doc:"Clients of the subprotocol azuhost.v1 may ask who is present in the rooms that they are in, and receive changes."`
	Limits         Limits         `yaml:"limits"`
}

// History says what the rooms of a route keep.
type History struct {
	Size int      `yaml:"size" min:"0" reload:"restart" doc:"How many messages each room keeps for clients of the subprotocol azuhost.v1 that reconnect. 0: none."`
	TTL  Duration `yaml:"ttl" min:"1" reload:"restart" doc:"How long a room keeps a message."`
}

// Limits bound what the connections and hooks of a route may use.
type Limits struct {
	MaxMessage            Size `yaml:"max_message" min:"1" doc:"Largest message from a client."`
	MaxQueue              Size `yaml:"max_queue" min:"1" doc:"Largest number of bytes queued for one connection. A single message may be larger, if the queue is short."`
	MaxConnections        int  `yaml:"max_connections" min:"0" doc:"Largest number of connections of the route. 0: only the limit of the whole host."`
	MessagesPerSecond     int  `yaml:"messages_per_second" min:"0" doc:"Messages that one connection may send in a second, on average: a client that sends more is closed with 1008. 0: no limit. A change applies to new connections."`
	MessageBurst          int  `yaml:"message_burst" min:"0" doc:"Messages that one connection may send at once, before messages_per_second counts. 0: twice that."`
	MaxRoomsPerConnection int  `yaml:"max_rooms_per_connection" min:"1" doc:"Largest number of rooms that one connection is in."`

	Deadline  Duration `yaml:"deadline" min:"1" doc:"Time that one hook may run."`
	Fuel      int      `yaml:"fuel" min:"1" doc:"Fuel of one hook, with metering: fuel. About one for each instruction of the plugin."`
	Memory    Size     `yaml:"memory" min:"65536" doc:"Memory of one instance."`
	MaxModule Size     `yaml:"max_module" min:"1" doc:"Largest plugin file."`

	Module ModuleLimits `yaml:",inline"`

	HookEffects  int  `yaml:"hook_effects" min:"1" doc:"Largest number of effects (send, join, timer_set …) of one hook."`
	HookBytes    Size `yaml:"hook_bytes" min:"1" doc:"Largest number of bytes that one hook sends or stores."`
	ValueBytes   Size `yaml:"value_bytes" min:"1" doc:"Bytes of the values kept with one connection: keys, values, and 64 for each."`
	StoreBytes   Size `yaml:"store_bytes" min:"1" doc:"Bytes of the channel's store: keys, values, and 64 for each."`
	HistoryBytes Size `yaml:"history_bytes" min:"1" reload:"restart" doc:"Bytes of the histories of all rooms of the channel: messages, and 64 for each."`
	Presences    int  `yaml:"presences" min:"1" doc:"Largest number of present users, counted in the channel and in each of their rooms, users in their grace included."`
	Timers       int  `yaml:"timers" min:"1" doc:"Largest number of timers of the channel."`
	MetricSeries int  `yaml:"metric_series" min:"1" doc:"Largest number of series of the plugin's own metrics."`

	Faults      int      `yaml:"faults" min:"1" doc:"Faults (traps, timeouts …) allowed within limits.fault_window. One more quarantines the route: new connections are refused with 503, for 1s at first and up to 1m. At most 10,000."`
	FaultWindow Duration `yaml:"fault_window" min:"1" doc:"Time in which faults are counted, and time of probation after a quarantine."`
}

// ModuleLimits bound what the file of a plugin may declare. Their keys stand in
// limits.
type ModuleLimits struct {
	Types         int  `yaml:"max_types" min:"1" doc:"In the plugin's file: function types."`
	Params        int  `yaml:"max_params" min:"1" doc:"In the plugin's file: parameters of one function type."`
	Results       int  `yaml:"max_results" min:"1" doc:"In the plugin's file: results of one function type."`
	Imports       int  `yaml:"max_imports" min:"1" doc:"In the plugin's file: imports."`
	Exports       int  `yaml:"max_exports" min:"1" doc:"In the plugin's file: exports."`
	Globals       int  `yaml:"max_globals" min:"1" doc:"In the plugin's file: globals, without imported ones."`
	Functions     int  `yaml:"max_functions" min:"1" doc:"In the plugin's file: functions, without imported ones."`
	Body          Size `yaml:"max_body" min:"1" doc:"In the plugin's file: size of one function's code."`
	Locals        int  `yaml:"max_locals" min:"1" doc:"In the plugin's file: local variables of one function."`
	TotalLocals   int  `yaml:"max_total_locals" min:"1" doc:"In the plugin's file: local variables of all functions together."`
	Nesting       int  `yaml:"max_nesting" min:"1" doc:"In the plugin's file: depth of blocks in one function."`
	Blocks        int  `yaml:"max_blocks" min:"1" doc:"In the plugin's file: blocks of one function. Compiling takes time by their square."`
	LoopWork      int  `yaml:"max_loop_work" min:"1" doc:"In the plugin's file: for each loop of one function, its local variables times its loop depth, added up."`
	LocalWork     int  `yaml:"max_local_work" min:"1" doc:"In the plugin's file: local variables of one function that live across blocks, times its blocks."`
	Work          int  `yaml:"max_work" min:"1" doc:"In the plugin's file: squares of the blocks of all functions, and the like for their local variables, added up."`
	Branches      int  `yaml:"max_branches" min:"1" doc:"In the plugin's file: labels of one br_table."`
	Operands      int  `yaml:"max_operands" min:"1" doc:"In the plugin's file: values that the calls, blocks and branches of one function pass on."`
	Tables        int  `yaml:"max_tables" min:"1" doc:"In the plugin's file: tables."`
	TableSize     int  `yaml:"max_table_size" min:"1" doc:"In the plugin's file: largest size of a table, in elements."`
	Data          int  `yaml:"max_data" min:"1" doc:"In the plugin's file: data segments."`
	Elements      int  `yaml:"max_elements" min:"1" doc:"In the plugin's file: element segments."`
	ElementValues int  `yaml:"max_element_values" min:"1" doc:"In the plugin's file: values of all element segments together."`
	Customs       int  `yaml:"max_customs" min:"1" doc:"In the plugin's file: custom sections."`
	CustomBytes   Size `yaml:"max_custom_bytes" min:"1" doc:"In the plugin's file: size of all custom sections together."`
	Name          int  `yaml:"max_name" min:"1" doc:"In the plugin's file: bytes of the name of an import, an export or a custom section."`
}
