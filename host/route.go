package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	pathpkg "path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/socket"
)

// maxHistory bounds History.Size: a client that comes back gets all of it at once.
const maxHistory = 100_000

// capabilityNames lists what Allow may have.
func capabilityNames() string {
	names := []string{string(abi.AllCapabilities)}
	for _, d := range abi.Capabilities {
		names = append(names, string(d.Name))
	}
	return strings.Join(names, ", ")
}

// check says what is wrong with a route, without touching files.
func (r Route) check() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if _, _, err := parsePattern(r.Path); err != nil {
		errs = append(errs, err)
	}
	if (r.Plugin == "") == (r.Channel == nil) {
		bad("set either Plugin, a .wasm file, or Channel, logic in Go")
	}
	switch r.Instances {
	case "", Single, Pool:
	case "room", "connection":
		bad("instances %q: not there yet; use single or pool", r.Instances)
	default:
		bad("instances %q: want single or pool", r.Instances)
	}
	if r.Metering != "" && r.Metering != MeterFuel && r.Metering != MeterDeadline && r.Metering != MeterOff {
		bad("metering %q: want fuel, deadline or off", r.Metering)
	}
	for _, c := range r.Allow {
		if !c.Known() {
			bad("allow: there is no capability %q: want %s", c, capabilityNames())
		}
	}
	if r.SlowReader != "" && r.SlowReader != SlowClose && r.SlowReader != SlowDropOldest {
		bad("slow_reader %q: want close or drop_oldest", r.SlowReader)
	}
	if r.OnFault != "" && r.OnFault != FaultKeep && r.OnFault != FaultClose {
		bad("on_fault %q: want keep or close", r.OnFault)
	}
	if r.Store != "" && r.Store != StoreMemory && r.Store != StoreShared {
		bad("store %q: want memory or shared", r.Store)
	}
	if r.History.Size < 0 || r.History.Size > maxHistory {
		bad("history of %d messages: want 0 to %d", r.History.Size, maxHistory)
	}
	if r.History.TTL < 0 {
		bad("history for %v: want 0 for the default, or more", r.History.TTL)
	}
	if err := checkEach("allowed_origins", r.AllowedOrigins, CheckAllowedOrigin); err != nil {
		errs = append(errs, err)
	}
	if err := r.checkAuth(); err != nil {
		errs = append(errs, err)
	}
	if err := r.Limits.validate(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("route %s: %w", r.Path, err)
	}
	return nil
}

// parsePattern turns "/rooms/:room_id" into the pattern of http.ServeMux,
// "/rooms/{room_id}", and the names of its parameters.
func parsePattern(path string) (mux string, params []string, err error) {
	if !strings.HasPrefix(path, "/") {
		return "", nil, fmt.Errorf("path %q: want a leading /", path)
	}
	if strings.ContainsAny(path, "{}?#% ") {
		return "", nil, fmt.Errorf("path %q: none of { } ? # %% and space; write parameters as :name", path)
	}
	if strings.ContainsFunc(path, unicode.IsControl) || !utf8.ValidString(path) {
		return "", nil, fmt.Errorf("path %q: want UTF-8 without control characters", path)
	}
	if c := pathpkg.Clean(path); c != path && (c+"/" != path || c == "/") {
		return "", nil, fmt.Errorf("path %q: no request has such a path; write %q", path, c)
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		name, ok := strings.CutPrefix(p, ":")
		if !ok {
			continue
		}
		if !validMetricName(name) {
			return "", nil, fmt.Errorf("path %q: parameter %q: want letters, digits and _", path, name)
		}
		for _, other := range params {
			if other == name {
				return "", nil, fmt.Errorf("path %q: parameter %q is there twice", path, name)
			}
		}
		params = append(params, name)
		parts[i] = "{" + name + "}"
	}
	mux = strings.Join(parts, "/")
	if strings.HasSuffix(mux, "/") {
		mux += "{$}" // this path, not all below it
	}
	return mux, params, nil
}

// addRoute registers a handler. The standard mux panics on a conflict; the
// error says which two routes it is between.
func addRoute(mux *http.ServeMux, routes map[string]string, path string, h http.Handler) (err error) {
	pattern, _, err := parsePattern(path)
	if err != nil {
		return err
	}
	if other, ok := routes[pattern]; ok {
		return fmt.Errorf("route %s conflicts with route %s: they match the same paths", path, other)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("route %s conflicts with %s: some paths match both, and neither is more specific", path, conflicting(fmt.Sprint(r), pattern, routes))
		}
	}()
	mux.Handle(pattern, h)
	routes[pattern] = path
	return nil
}

// conflicting finds the other route in the message of the mux's panic.
func conflicting(msg, pattern string, routes map[string]string) string {
	for p, path := range routes {
		if p != pattern && strings.Contains(msg, `"`+p+`"`) {
			return "route " + path
		}
	}
	return "another route (" + msg + ")"
}

// settings are what a reload can change of a route. They never change once
// they are in use.
type settings struct {
	rt     *routeRuntime
	route  Route
	limits Limits
	sock   socket.Options
	logic  logic
	plugin *plugin.Plugin // logic, when it is one
	name   string         // of the plugin, for logs and metrics

	history *history // of the plugin's versions; nil for logic in Go

	// under Host.reload
	live   bool      // they are or were in use
	loaded *loadCall // what on_load has asked for, before they are live
	trying *module   // what goes on trial when they are live
}

// pluginName is the name of a plugin's file without its ending; "go" for
// logic in Go.
func (r Route) pluginName() string {
	if r.Plugin == "" {
		return "go"
	}
	return strings.TrimSuffix(filepath.Base(r.Plugin), ".wasm")
}

// configJSON is what on_load is given.
func (r Route) configJSON() ([]byte, error) {
	if r.Config == nil {
		return []byte("{}"), nil
	}
	b, err := json.Marshal(r.Config)
	if err != nil {
		return nil, fmt.Errorf("config as JSON: %w", err)
	}
	return b, nil
}
