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
	InternalToken Secret `yaml:"internal_token" flag:"-" doc:"Token that /api, /metrics and /debug/pprof/ ask for, as Authorization: Bearer. /livez and /readyz stay open."`

	Node string `yaml:"node" reload:"restart" doc:"Name of this node among those of a cluster, and in the names of its connections: a DNS label in lower case. Empty: the machine's name and something of chance, another at each start."`

	Broker Broker `yaml:"broker"`

	TLS TLS `yaml:"tls"`
	Log Log `yaml:"log"`

	Playground bool `yaml:"playground" doc:"Serve a page at / to try the channels with, under the names of allowed_hosts. For development."`
	Watch      bool `yaml:"watch" doc:"Load a plugin anew when its file changes."`
	CacheDir   Path `yaml:"cache_dir" reload:"restart" doc:"Folder that keeps compiled plugins between runs. auto: azuhost in the user's cache folder. Empty: no cache."`

	StateDir Path `yaml:"state_dir" reload:"restart" doc:"Folder that keeps the last good version of each plugin, for a start with a file that does not load. Not to be shared by configurations with other routes. auto: one for this config file, in the user's state folder. Empty: they are kept in memory only."`

	AllowedOrigins []string `yaml:"allowed_origins" doc:"Origins that browsers may connect from, besides the host that serves them: https://app.example.com, *.example.com, or * for any."`
	AllowedHosts   []string `yaml:"allowed_hosts" doc:"Names that the Host header may have, without port: chat.example.com, *.example.com, or * for any. Empty: localhost and IP addresses."`
	TrustedProxies []string `yaml:"trusted_proxies" doc:"Networks (CIDR) or addresses of proxies whose X-Forwarded-For is believed."`

	Auth Auth `yaml:"auth"`

	MaxConnections           int `yaml:"max_connections" min:"1" reload:"restart" doc:"Most connections open at once."`
	MaxConnectionsPerAddress int `yaml:"max_connections_per_address" min:"0" reload:"restart" doc:"Most connections of one address; an IPv6 /64 counts as one. 0: no bound."`

	HandshakeTimeout Duration `yaml:"handshake_timeout" min:"1" reload:"restart" doc:"Time for a handshake: for its headers, and again for its on_connect. Other requests have it for their bodies."`
	PingInterval     Duration `yaml:"ping_interval" min:"0" reload:"restart" doc:"Time between pings. 0: no pings."`
	PongTimeout      Duration `yaml:"pong_timeout" min:"1" reload:"restart" doc:"Time that a client has to answer a ping. It lives, too, while it sends anything else, or reads what waits for it."`
	MessageTimeout   Duration `yaml:"message_timeout" min:"1" reload:"restart" doc:"Time from a message's first byte to its last."`
	CloseTimeout     Duration `yaml:"close_timeout" min:"1" reload:"restart" doc:"Time for the closing handshake."`
	ShutdownTimeout  Duration `yaml:"shutdown_timeout" min:"1" doc:"Time that azuhost has to close everything when it is told to end. What is left is cut."`

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
	URL      Secret   `yaml:"url" short:"yes" flag:"-" reload:"restart" doc:"Redis that joins this node and others: redis://[user:password@]host:port[/db], or rediss:// for TLS; ?addr=host:port for more nodes of a Redis Cluster, ?master_set=name for sentinels; or unix:///path. In the file broker: URL is enough. Empty: this node is alone."`
	CA       Path     `yaml:"ca" reload:"restart" doc:"File (PEM) with the certificates of the authorities that are trusted for rediss://. Empty: the system's."`
	Required bool     `yaml:"required" reload:"restart" doc:"Fail at start when Redis can not be reached within 10s. Otherwise the node starts alone and joins the others when it can."`
	Prefix   string   `yaml:"prefix" reload:"restart" doc:"Begins the names of all keys and channels in Redis: clusters that share one need different ones."`
	Timeout  Duration `yaml:"timeout" min:"1" reload:"restart" doc:"Time that Redis has for an answer before the link counts as broken."`
	TTL      Duration `yaml:"ttl" min:"1" reload:"restart" doc:"Time that a node which died is believed to be there, with the users who are present on it."`
	MaxQueue Size     `yaml:"max_queue" min:"1" reload:"restart" doc:"Bytes that wait for Redis."`
}

// TLS names the certificate of the public listener. Both or none are set.
type TLS struct {
	Cert Path `yaml:"cert" doc:"Certificate file (PEM), with intermediates. SIGHUP reads it again."`
	Key  Path `yaml:"key" doc:"Key file (PEM) of the certificate."`
}

// Drain says how clients are sent away when azuhost ends.
type Drain struct {
	Spread    Duration `yaml:"spread" min:"0" doc:"Time over which connections are closed, evenly, when azuhost ends or a route goes; at most half of shutdown_timeout. 0: all at once."`
	Reconnect Duration `yaml:"reconnect" min:"0" doc:"Window of the times after which clients should come back, each told its own. 0: at once."`
}

// Log says how the log is written.
type Log struct {
	Format string `yaml:"format" oneof:"text json" reload:"restart" doc:"text or json, on standard error."`
	Level  string `yaml:"level" oneof:"debug info warn error" doc:"Least level that is logged."`
}

// Auth says which tokens the host accepts. One source of keys is set.
type Auth struct {
	Secret        Secret   `yaml:"secret" flag:"-" doc:"Secret shared with who signs tokens, for HS256: at least 32 bytes."`
	SecretFile    Path     `yaml:"secret_file" doc:"File with the secret. SIGHUP reads it again, and the files below."`
	PublicKeyFile Path     `yaml:"public_key_file" doc:"File with public keys or certificates (PEM): RSA, EC (P-256) or Ed25519."`
	JWKSFile      Path     `yaml:"jwks_file" doc:"File with public keys, as a JWKS."`
	JWKSURL       string   `yaml:"jwks_url" print:"url" doc:"URL where the issuer publishes its keys as a JWKS: https, or http on loopback. Needs issuer and audience. The only address that is fetched, whatever tokens say."`
	JWKSRefresh   Duration `yaml:"jwks_refresh" min:"0" doc:"Time between fetches of jwks_url. 0: what its Cache-Control says, between 1m and 1h, and 15m where it says nothing. A token with an unknown kid has it fetched sooner, at most once in 10s."`
	JWKSMaxStale  Duration `yaml:"jwks_max_stale" min:"1" doc:"How long the keys are used when they can not be fetched any more. After that, as before the first fetch, tokens are refused with 503."`
	Algorithms    []string `yaml:"algorithms" doc:"Algorithms that tokens may be signed with, of HS256, RS256, ES256 and EdDSA. Empty: those of the keys. A key only ever checks the one that its type is for."`
	Issuer        string   `yaml:"issuer" doc:"What the claim iss must be. Empty: it is not looked at."`
	Audience      []string `yaml:"audience" doc:"The claim aud must have one of these. Empty: tokens must have no aud."`
	Leeway        Duration `yaml:"leeway" min:"0" doc:"How far the clocks of issuer and host may differ, for exp and nbf."`
	RequireExpiry bool     `yaml:"require_expiry" doc:"Refuse tokens without exp."`
	Query         string   `yaml:"query" doc:"Query parameter that carries the token. Empty: none."`
	Cookie        string   `yaml:"cookie" doc:"Cookie that carries the token. Empty: none. Browsers send it from any page: allowed_origins keeps the others out."`
	MaxToken      Size     `yaml:"max_token" min:"1" doc:"Largest token."`
}

// Route is a channel, or the defaults of all of them.
type Route struct {
	// Path is the pattern of the route: the key in the file, none in defaults.
	Path string `yaml:"-"`

	Plugin         Path           `yaml:"plugin" doc:"Path of the .wasm file."`
	Config         map[string]any `yaml:"config" doc:"Any YAML, given to the plugin's on_load as JSON. A route's config replaces the one of defaults."`
	Instances      string         `yaml:"instances" oneof:"single pool" doc:"single: one instance, its globals are shared state. pool: one for each core, for plugins that keep their state in the host."`
	Metering       string         `yaml:"metering" oneof:"fuel deadline off" doc:"fuel: the plugin is rewritten so that it pays for what it runs, and limits.deadline and limits.fuel bound every hook. deadline: limits.deadline is looked at in loops only. off: nothing bounds hooks, for plugins that you trust."`
	SlowReader     string         `yaml:"slow_reader" oneof:"close drop_oldest" doc:"What happens when a connection's queue is full. close: it is closed with 1008. drop_oldest: its oldest waiting messages are dropped."`
	OnFault        string         `yaml:"on_fault" oneof:"keep close" doc:"What happens to the connection whose hook trapped or ran too long. keep: it is told INTERNAL_ERROR. close: it is closed with 1011."`
	Allow          []string       `yaml:"allow" doc:"What the plugin may ask the host for: all, or some of send, broadcast, close, rooms, identify, users, request, values, store, timers, metrics, log, time, random and stdio (azuhost inspect says what it asks for). A plugin that imports more is refused, or goes without where its manifest says that it can. []: nothing."`
	Subprotocols   []string       `yaml:"subprotocols" doc:"WebSocket subprotocols that the channel speaks, best first."`
	Auth           string         `yaml:"auth" oneof:"none optional required" doc:"Whether clients need a token that the host has verified by the top-level auth. none: the plugin decides. optional: one may be missing, but not wrong. Its sub is the user of the connection, its claims are given to the plugin."`
	AuthRefusal    string         `yaml:"auth_refusal" oneof:"status close" doc:"How a client without a good token is refused. status: with 401, which pages in browsers can not see. close: after the upgrade, with 3000."`
	AllowedOrigins []string       `yaml:"allowed_origins" doc:"Replaces the top-level allowed_origins for the route."`
	PresenceGrace  Duration       `yaml:"presence_grace" min:"0" reload:"restart" doc:"How long a user stays present after the last connection went. 0: not at all."`
	History        History        `yaml:"history"`
	Store          string         `yaml:"store" oneof:"memory shared" reload:"restart" doc:"Where the channel's key-value store is. memory: in this node. shared: in the Redis of broker, one for all nodes; a hook waits for it within limits.deadline, and limits.store_bytes does not bound it."`
	SharePresence  bool           `yaml:"share_presence" doc:"Clients of the subprotocol azuhost.v1 may ask who is present in the rooms that they are in, and are told of changes."`
	Limits         Limits         `yaml:"limits"`
}

// History says what the rooms of a route keep.
type History struct {
	Size int      `yaml:"size" min:"0" reload:"restart" doc:"How many messages each room keeps for clients of the subprotocol azuhost.v1 that were away for a moment. 0: none."`
	TTL  Duration `yaml:"ttl" min:"1" reload:"restart" doc:"How long a room keeps a message."`
}

// Limits bound what the connections and hooks of a route may use.
type Limits struct {
	MaxMessage            Size `yaml:"max_message" min:"1" doc:"Largest message from a client."`
	MaxQueue              Size `yaml:"max_queue" min:"1" doc:"Most bytes that wait to be sent to one connection. A single message may be larger, if little waits before it."`
	MaxConnections        int  `yaml:"max_connections" min:"0" doc:"Most connections of the route. 0: only the bound of the whole host."`
	MessagesPerSecond     int  `yaml:"messages_per_second" min:"0" doc:"Most messages that one connection sends in a second, on average: a client that sends more is closed with 1008. 0: no bound. For connections from then on."`
	MessageBurst          int  `yaml:"message_burst" min:"0" doc:"Most messages that one connection sends at once, before messages_per_second counts. 0: twice that."`
	MaxRoomsPerConnection int  `yaml:"max_rooms_per_connection" min:"1" doc:"Most rooms that one connection is in."`

	Deadline  Duration `yaml:"deadline" min:"1" doc:"Time that one hook may run."`
	Fuel      int      `yaml:"fuel" min:"1" doc:"Fuel of one hook with metering: fuel, about one for each instruction of the plugin."`
	Memory    Size     `yaml:"memory" min:"65536" doc:"Memory of one instance."`
	MaxModule Size     `yaml:"max_module" min:"1" doc:"Largest plugin file."`

	Module ModuleLimits `yaml:",inline"`

	HookEffects  int  `yaml:"hook_effects" min:"1" doc:"How many things (send, join, timer_set …) one hook may ask for."`
	HookBytes    Size `yaml:"hook_bytes" min:"1" doc:"How many bytes one hook may send or keep."`
	ValueBytes   Size `yaml:"value_bytes" min:"1" doc:"Bytes of the values kept with one connection: keys, values, and 64 for each."`
	StoreBytes   Size `yaml:"store_bytes" min:"1" doc:"Bytes of the channel's store: keys, values, and 64 for each."`
	HistoryBytes Size `yaml:"history_bytes" min:"1" reload:"restart" doc:"Bytes of the histories of all rooms of the channel: messages, and 64 for each."`
	Presences    int  `yaml:"presences" min:"1" doc:"Most users who are present, counted in the channel and in each of their rooms, those in their grace included."`
	Timers       int  `yaml:"timers" min:"1" doc:"Most timers of the channel."`
	MetricSeries int  `yaml:"metric_series" min:"1" doc:"Most series of the plugin's own metrics."`

	Faults      int      `yaml:"faults" min:"1" doc:"How many faults (traps, timeouts …) of hooks within limits.fault_window are borne. With one more the route is quarantined: new connections are refused with 503, for 1s at first and up to 1m. At most 10,000."`
	FaultWindow Duration `yaml:"fault_window" min:"1" doc:"Time in which faults are counted, and that a route is on probation after a quarantine."`
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
	Blocks        int  `yaml:"max_blocks" min:"1" doc:"In the plugin's file: blocks of code of one function, which compile in their square."`
	LoopWork      int  `yaml:"max_loop_work" min:"1" doc:"In the plugin's file: local variables of one function times the loops around, for each loop."`
	LocalWork     int  `yaml:"max_local_work" min:"1" doc:"In the plugin's file: local variables of one function that live on from block to block, times its blocks."`
	Work          int  `yaml:"max_work" min:"1" doc:"In the plugin's file: squares of the blocks of all functions together, and what their local variables are as much as."`
	Branches      int  `yaml:"max_branches" min:"1" doc:"In the plugin's file: labels of one br_table."`
	Operands      int  `yaml:"max_operands" min:"1" doc:"In the plugin's file: values that the calls, blocks and branches of one function move."`
	Tables        int  `yaml:"max_tables" min:"1" doc:"In the plugin's file: tables."`
	TableSize     int  `yaml:"max_table_size" min:"1" doc:"In the plugin's file: elements that a table has, or may grow to."`
	Data          int  `yaml:"max_data" min:"1" doc:"In the plugin's file: data segments."`
	Elements      int  `yaml:"max_elements" min:"1" doc:"In the plugin's file: element segments."`
	ElementValues int  `yaml:"max_element_values" min:"1" doc:"In the plugin's file: values of all element segments together."`
	Customs       int  `yaml:"max_customs" min:"1" doc:"In the plugin's file: custom sections."`
	CustomBytes   Size `yaml:"max_custom_bytes" min:"1" doc:"In the plugin's file: size of all custom sections together."`
	Name          int  `yaml:"max_name" min:"1" doc:"In the plugin's file: bytes of the name of an import, an export or a custom section."`
}
