package config

// docs holds the description of each key by Key.Name, for docs/CONFIG.md and --help.
var docs = map[string]string{
	"listen": "Address of the public listener. It serves the channels.",
	"internal": "Address of the internal listener. It serves /api/v1, /metrics, /livez, /readyz and /debug/pprof/. " +
		"An address beyond loopback needs internal_token. Empty: no internal listener.",
	"internal_token": "Token that requests to /api, /metrics and /debug/pprof/ need, as Authorization: Bearer. " +
		"/livez and /readyz need none.",
	"node": "Name of this node in its cluster and in connection ids. It is a DNS label in lower case. " +
		"Empty: the machine's name and random letters, new at each start.",

	"broker.url": "URL of the Redis that connects the nodes of a cluster: redis://[user:password@]host:port[/db], " +
		"rediss:// for TLS, or unix:///path. ?addr=host:port names another node of a Redis Cluster. " +
		"?master_set=name finds the master through sentinels. In the file, broker: URL is enough. " +
		"Empty: this node is alone.",
	"broker.ca": "PEM file with the certificate authorities that are trusted for rediss://. Empty: the system's.",
	"broker.required": "Fail at the start if Redis cannot be reached within 10s. " +
		"false: the node starts alone and joins the cluster later.",
	"broker.prefix":    "Prefix of all keys and channels in Redis. Clusters that share a Redis need different prefixes.",
	"broker.timeout":   "Time that Redis has to answer before the connection counts as broken.",
	"broker.ttl":       "Time without a heartbeat after which a node, and the users present on it, count as gone.",
	"broker.max_queue": "Largest number of bytes that wait for Redis.",

	"tls.cert": "PEM file with the certificate and its intermediates. SIGHUP reads it again.",
	"tls.key":  "PEM file with the key of the certificate. SIGHUP reads it again.",

	"log.format": "Format of the log on standard error.",
	"log.level":  "Lowest level that is logged.",

	"playground": "Serve the playground at /, a page to try the channels. " +
		"It is served only under the names of allowed_hosts. For development.",
	"watch": "Load a plugin again when its file changes.",
	"cache_dir": "Folder that keeps compiled plugins between runs. auto: azuhost in the user's cache folder. " +
		"Empty: no cache.",
	"state_dir": "Folder that keeps the last good version of each plugin. " +
		"That version runs if the plugin's file does not load at the start. " +
		"Configurations with different routes need different folders. " +
		"auto: a folder for this config file in the user's state folder. Empty: versions are kept in memory only.",

	"allowed_origins": "Origins that browsers may connect from: https://app.example.com, *.example.com, or * for any. " +
		"Pages of the host itself may always connect.",
	"allowed_hosts": "Names that the Host header may have, without port: chat.example.com, *.example.com, " +
		"or * for any. Empty: localhost and IP addresses.",
	"trusted_proxies": "Networks (CIDR) or addresses of the proxies whose X-Forwarded-For is trusted.",

	"auth.secret":          "Secret shared with the issuer of the tokens, for HS256. It has at least 32 bytes.",
	"auth.secret_file":     "File with the secret. SIGHUP reads it and the other key files of auth again.",
	"auth.public_key_file": "PEM file with public keys or certificates: RSA, EC (P-256) or Ed25519.",
	"auth.jwks_file":       "File with public keys, as a JWKS.",
	"auth.jwks_url": "URL of the issuer's public keys, as a JWKS. It is https, or http on loopback. " +
		"It needs issuer and audience. Addresses in tokens are never fetched.",
	"auth.jwks_refresh": "Time between fetches of jwks_url. " +
		"0: the time in its Cache-Control, but 1m at least and 1h at most; 15m without one. " +
		"A token with an unknown kid also triggers a fetch, at most once in 10s.",
	"auth.jwks_max_stale": "Time that keys stay in use while jwks_url cannot be fetched. " +
		"After it, and before the first fetch, tokens are refused with 503.",
	"auth.algorithms": "Allowed algorithms: HS256, RS256, ES256 and EdDSA. Empty: those of the keys. " +
		"A key verifies only the algorithm of its type.",
	"auth.issuer":         "Required value of the claim iss. Empty: any.",
	"auth.audience":       "The claim aud must contain one of these. Empty: a token must have no aud.",
	"auth.leeway":         "Allowed difference between the clocks of issuer and host, for exp and nbf.",
	"auth.require_expiry": "Refuse tokens without exp.",
	"auth.query":          "Query parameter that carries the token. Empty: none.",
	"auth.cookie": "Cookie that carries the token. Empty: none. Browsers send it from pages of any site. " +
		"allowed_origins keeps other sites out.",
	"auth.max_token": "Largest token.",

	"max_connections": "Largest number of open connections.",
	"max_connections_per_address": "Largest number of open connections from one address. " +
		"An IPv6 /64 counts as one address. 0: no limit.",

	"handshake_timeout": "Time for the headers of a handshake, for its on_connect, " +
		"and for the body of any other request. Each has this time of its own.",
	"ping_interval": "Time between pings. 0: no pings.",
	"pong_timeout": "Time that a client has to answer a ping. " +
		"Anything else that it sends, or reads from its queue, also counts as an answer.",
	"message_timeout":  "Time from a message's first byte to its last.",
	"close_timeout":    "Time for the closing handshake.",
	"shutdown_timeout": "Time for azuhost to shut down. Connections that are still open then are cut.",

	"drain.spread": "Time over which connections are closed, evenly, when azuhost shuts down or a route is removed. " +
		"At most half of shutdown_timeout is used. 0: all are closed at once.",
	"drain.reconnect": "Longest time before a drained client reconnects. Each client is given a random time up to this. " +
		"0: it may reconnect at once.",

	"defaults.plugin": "Path of the .wasm file.",
	"defaults.config": "Any YAML. The plugin's on_load receives it as JSON. " +
		"The config of a route replaces that of defaults.",
	"defaults.instances": "single: one instance, whose globals are shared state. " +
		"pool: one instance for each core, for plugins that keep their state in the host.",
	"defaults.metering": "fuel: limits.deadline and limits.fuel end every hook. " +
		"The plugin is rewritten to count fuel. deadline: limits.deadline is checked in loops only. " +
		"off: nothing ends a hook. Use it only for plugins that you trust.",
	"defaults.slow_reader": "Action when the queue of a connection is full. " +
		"close: the connection is closed with 1008. drop_oldest: the oldest queued messages are dropped.",
	"defaults.on_fault": "Action when a hook of a connection traps or exceeds its deadline. " +
		"keep: the connection receives INTERNAL_ERROR. close: it is closed with 1011.",
	"defaults.allow": "Capabilities of the plugin: all, or some of send, broadcast, close, rooms, identify, users, " +
		"request, values, store, timers, metrics, log, time, random and stdio. " +
		"azuhost inspect lists those that a plugin asks for. " +
		"A plugin that imports more is refused, unless its manifest makes them optional. []: none.",
	"defaults.subprotocols": "WebSocket subprotocols of the channel, in order of preference.",
	"defaults.auth": "Whether clients need a token, which the top-level auth verifies. none: the plugin decides. " +
		"optional: a client may have no token, but not an invalid one. " +
		"The token's sub is the user of the connection. The plugin can read its claims.",
	"defaults.auth_refusal": "How a client without a valid token is refused. " +
		"status: with 401, which pages in browsers cannot see. close: after the upgrade, with 3000.",
	"defaults.allowed_origins": "Replaces the top-level allowed_origins for the route.",
	"defaults.presence_grace":  "Time that a user stays present after the last connection closed. 0: none.",
	"defaults.history.size": "Number of messages that each room keeps for clients that reconnect, " +
		"with the subprotocol azuhost.v1. 0: none.",
	"defaults.history.ttl": "Time that a room keeps a message.",
	"defaults.store": "Location of the channel's key-value store. memory: this node. " +
		"shared: the Redis of broker, one store for all nodes. A hook waits for Redis up to limits.deadline. " +
		"limits.store_bytes does not apply.",
	"defaults.share_presence": "Clients of the subprotocol azuhost.v1 may ask who is present in the rooms " +
		"that they are in, and receive changes.",

	"defaults.limits.max_message": "Largest message from a client.",
	"defaults.limits.max_queue": "Largest number of bytes queued for one connection. " +
		"A single message may be larger if the queue is short.",
	"defaults.limits.max_connections": "Largest number of open connections of the route. " +
		"0: only the top-level max_connections applies.",
	"defaults.limits.messages_per_second": "Messages that one connection may send in a second, on average. " +
		"A client that sends more is closed with 1008. 0: no limit. A change applies to new connections.",
	"defaults.limits.message_burst": "Messages that one connection may send at once " +
		"before messages_per_second applies. 0: twice messages_per_second.",
	"defaults.limits.max_rooms_per_connection": "Largest number of rooms that one connection is in.",

	"defaults.limits.deadline":   "Time that one hook may run.",
	"defaults.limits.fuel":       "Fuel of one hook, with metering: fuel. One instruction of the plugin takes about one.",
	"defaults.limits.memory":     "Largest memory of one instance.",
	"defaults.limits.max_module": "Largest plugin file.",

	"defaults.limits.max_types":   "Largest number of function types in the plugin file.",
	"defaults.limits.max_params":  "Largest number of parameters of one function type in the plugin file.",
	"defaults.limits.max_results": "Largest number of results of one function type in the plugin file.",
	"defaults.limits.max_imports": "Largest number of imports in the plugin file.",
	"defaults.limits.max_exports": "Largest number of exports in the plugin file.",
	"defaults.limits.max_globals": "Largest number of globals in the plugin file, without imported ones.",

	"defaults.limits.max_functions":    "Largest number of functions in the plugin file, without imported ones.",
	"defaults.limits.max_body":         "Largest code of one function in the plugin file.",
	"defaults.limits.max_locals":       "Largest number of local variables of one function in the plugin file.",
	"defaults.limits.max_total_locals": "Largest number of local variables of all functions in the plugin file together.",
	"defaults.limits.max_nesting":      "Largest depth of blocks in one function in the plugin file.",
	"defaults.limits.max_blocks": "Largest number of blocks of one function in the plugin file. " +
		"The time to compile grows with their square.",
	"defaults.limits.max_loop_work": "Largest loop work of one function in the plugin file: " +
		"its local variables times the depth of a loop, summed over its loops.",
	"defaults.limits.max_local_work": "Largest local work of one function in the plugin file: " +
		"its local variables that are live across blocks, times its blocks.",
	"defaults.limits.max_work": "Largest work of all functions in the plugin file: the squares of their blocks, " +
		"plus the equivalent of their loop and local work.",
	"defaults.limits.max_branches": "Largest number of labels of one br_table in the plugin file.",
	"defaults.limits.max_operands": "Largest number of values that the calls, blocks and branches of one function " +
		"in the plugin file pass on.",
	"defaults.limits.max_tables":         "Largest number of tables in the plugin file.",
	"defaults.limits.max_table_size":     "Largest number of elements of one table in the plugin file.",
	"defaults.limits.max_data":           "Largest number of data segments in the plugin file.",
	"defaults.limits.max_elements":       "Largest number of element segments in the plugin file.",
	"defaults.limits.max_element_values": "Largest number of values of all element segments in the plugin file together.",
	"defaults.limits.max_customs":        "Largest number of custom sections in the plugin file.",
	"defaults.limits.max_custom_bytes":   "Largest size of all custom sections in the plugin file together.",
	"defaults.limits.max_name":           "Largest number of bytes of the name of one import, export or custom section.",

	"defaults.limits.hook_effects":  "Largest number of effects (send, join, timer_set, …) of one hook.",
	"defaults.limits.hook_bytes":    "Largest number of bytes that one hook sends or stores.",
	"defaults.limits.value_bytes":   "Largest size of the values of one connection: keys, values, and 64 bytes for each.",
	"defaults.limits.store_bytes":   "Largest size of the channel's store: keys, values, and 64 bytes for each.",
	"defaults.limits.history_bytes": "Largest size of the histories of all rooms: messages, and 64 bytes for each.",
	"defaults.limits.presences": "Largest number of present users. " +
		"A user counts in the channel and again in each room. Users in their presence_grace count.",
	"defaults.limits.timers":        "Largest number of timers of the channel.",
	"defaults.limits.metric_series": "Largest number of series of the plugin's own metrics.",

	"defaults.limits.faults": "Faults (traps, timeouts, …) allowed within limits.fault_window, at most 10,000. " +
		"One more quarantines the route: new connections are refused with 503, for 1s at first and up to 1m.",
	"defaults.limits.fault_window": "Time in which faults are counted, and time of probation after a quarantine.",
}
