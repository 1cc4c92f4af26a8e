package main

// module is the path of this repository's module.
const module = "github.com/azuhost/azuhost"

// A pkg is a package of the module, or a tree of packages, and the floor it is on.
type pkg struct {
	path string // within the module; "x/..." is x and every package below it
	does string
}

// A floor is a set of packages that may import those on the floors below.
type floor struct {
	name string
	// sideways: packages of the floor may import each other.
	sideways bool
	packages []pkg
}

// floors lists every package of the module, the top floor first. The packages
// that match one entry "x/..." may import each other. Where several entries match
// a package the longest path holds.
var floors = []floor{
	{name: "4 programs", sideways: true, packages: []pkg{
		{"cmd/azuhost", "the command: flags, verbs, signals, listeners"},
		{"cmd/azuhost/internal/client", "the client of the HTTP API"},
		{"cmd/azuhost/internal/config", "azuhost.yaml, AZUHOST_ variables and flags"},
		{"cmd/azuhost/internal/dev", "azuhost dev: rebuilds, the log on a terminal"},
		{"cmd/azuhost/internal/link", "a linker for one known WebAssembly module"},
		{"cmd/azuhost/internal/mint", "keys and tokens for tests"},
		{"cmd/azuhost/internal/playground", "the page to try channels with"},
		{"cmd/azuhost/internal/project", "azuhost new: project templates"},
		{"cmd/azuhost/internal/script", "plugins in JavaScript: bundle, glue, QuickJS"},
		{"cmd/azuhost/internal/toolchain", "azuhost build: languages and their compilers"},
		{"host/admin", "the HTTP API under /api/v1"},
		{"host/scenario", "test scripts for plugins, in memory, on a stopped clock"},
	}},
	{name: "3 host", packages: []pkg{
		{"host", "the Go API: Host, Options, Route, Channel"},
	}},
	{name: "2 plugin versions", packages: []pkg{
		{"host/internal/rollout", "plugin versions: files, trial, rollback, last good"},
	}},
	{name: "2 mechanisms", packages: []pkg{
		{"host/internal/broker", "other nodes, over Redis"},
		{"host/internal/plugin", "WebAssembly: compile, check, instance, pool, hook, swap"},
		{"host/internal/socket", "one WebSocket: handshake, read, write, close, deadlines"},
	}},
	{name: "1 rules and state", packages: []pkg{
		{"host/internal/appmetrics", "the metrics that plugins make"},
		{"host/internal/auth", "tokens: keys, signatures, claims"},
		{"host/internal/clientip", "the client's address behind proxies"},
		{"host/internal/connlimit", "bounds of open connections"},
		{"host/internal/hub", "rooms, users, presence, histories; batches of frames"},
		{"host/internal/idempotency", "runs a function once for each key"},
		{"host/internal/logonce", "which repeated events are logged"},
		{"host/internal/origin", "which pages and host names may connect"},
		{"host/internal/quarantine", "the circuit breaker of a route"},
		{"host/internal/routepath", "the paths of routes, and conflicts between them"},
		{"host/internal/store", "the key-value store of a route, and values of connections"},
		{"host/internal/timer", "timers in the order in which they fire"},
		{"internal/wasm", "the WebAssembly format: limits, metering, encoding"},
	}},
	{name: "0 vocabulary", sideways: true, packages: []pkg{
		{"host/abi", "names, signatures, kinds, errors and limits of the ABI"},
		{"host/internal/frame", "WebSocket frames, encoded"},
		{"host/internal/naming", "which names rooms, users, nodes and metrics may have"},
		{"internal/fields", "copies between structs by field names"},
		{"internal/urlquery", "the query of a URL, as browsers parse it"},
		{"internal/race", "whether the race detector is on"},
		{"sdk", "the SDK's sources, embedded for azuhost new and build"},
	}},
	{name: "guests", packages: []pkg{
		{"plugins/...", "the ready-made channels"},
		{"testplugins/conformance/go/...", "the guest of the conformance tests in Go"},
	}},
	{name: "SDK for guests", packages: []pkg{
		{"sdk/go/...", "the Go SDK"},
	}},
	{name: "tests and tools", packages: []pkg{
		{"clients/js", "runs the JavaScript client's tests"},
		{"cmd/azuhost/internal/script/scripttest", "fetches QuickJS for tests"},
		{"deploy", "tests of the files for deployment"},
		{"docs", "tests of the documentation"},
		{"host/internal/frame/frametest", "frames for tests"},
		{"host/internal/redistest", "starts Redis for tests"},
		{"internal/importgraph", "this graph"},
		{"internal/wstest", "a WebSocket client for tests"},
		{"testplugins/...", "modules that tests load"},
	}},
}

// apart lists pairs of packages that do not import each other, whatever their
// floors. Only tests import the last of the floors.
var apart = [][2]string{
	{"host/internal/socket", "host/internal/hub"}, // they meet in host
	{"host/...", "plugins/..."},                   // host and guest meet in the ABI
	{"host/...", "sdk/..."},
}
