package host

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/rollout"
	"github.com/azuhost/azuhost/host/internal/socket"
)

// settings are the part of a route that a reload can change. A reload makes new
// ones. They do not change while they are in use.
type settings struct {
	rt     *routeRuntime
	route  Route
	limits Limits
	sock   socket.Options
	logic  logic
	plugin *plugin.Plugin // logic, if it is one; nil: a channel in Go
	name   string         // of the plugin, for logs and metrics

	rollout *rollout.Controller // of the plugin's versions; nil for a channel in Go

	// Guarded by Host.reload.
	live   bool      // the settings are or were in use
	loaded *loadCall // the on_load whose effects take place when the settings go live
}

// pluginName returns the name of the plugin's file without its extension, and "go"
// for a channel in Go.
func (r Route) pluginName() string {
	if r.Plugin == "" {
		return "go"
	}
	return strings.TrimSuffix(filepath.Base(r.Plugin), ".wasm")
}

// configJSON returns the event of on_load.
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
