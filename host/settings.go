package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/rollout"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/azuhost/azuhost/host/internal/store"
	"github.com/azuhost/azuhost/internal/fields"
	"github.com/azuhost/azuhost/internal/wasm"
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

// newSettings returns settings for the route r, whose plugin it loads. They are not in use.
func (h *Host) newSettings(ctx context.Context, o Options, r Route) (*settings, error) {
	l := r.Limits
	s := &settings{
		route: r, limits: l, name: r.pluginName(),
		sock: socket.Options{
			MaxMessage:   l.MaxMessage,
			MaxQueue:     l.MaxQueue,
			MessageRate:  l.MessagesPerSecond,
			MessageBurst: l.MessageBurst,
			DropOldest:   r.SlowReader == SlowDropOldest,
		},
	}
	if s.rt = h.runtime(r.Path); s.rt == nil {
		s.rt = newRouteRuntime(h, s)
	}
	if r.Auth.checks() {
		h.metrics.initTokens(r.Path)
	}
	if r.Plugin == "" {
		s.logic = newChannelLogic(r.Channel)
		return s, nil
	}
	config, err := r.configJSON()
	if err != nil {
		return nil, err
	}
	s.plugin, err = plugin.New(s.pluginOptions(h, o.CacheDir, config))
	if err != nil {
		return nil, err
	}
	s.logic = s.plugin
	s.rollout = h.newRollout(s)
	err = s.rollout.Load(ctx)
	if err != nil && h.mux.Load() == nil { // the host starts, and no version runs
		err = s.rollout.LoadLastGood(ctx, err)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// pluginOptions returns the options of the plugin of a route. config is the event of on_load.
func (s *settings) pluginOptions(h *Host, cacheDir string, config []byte) plugin.Options {
	l := s.limits
	var module wasm.Limits
	fields.Copy(&module, l.Module)
	return plugin.Options{
		Mode:        plugin.Mode(s.route.Instances),
		Metering:    plugin.Metering(s.route.Metering),
		Deadline:    l.Deadline,
		Fuel:        l.Fuel,
		Scan:        module,
		MemoryLimit: l.Memory,
		MaxModule:   l.MaxModule,
		Allow:       s.route.Allow,
		Config:      config,
		CacheDir:    cacheDir,
		Log:         h.log.With("route", s.route.Path, "plugin", s.name),
		GuestLog:    s.rt.guestLog,
		CPUSlots:    h.cpuSlots,
		Observer:    h.metrics.plugin(s.route.Path, s.name),
		NewEnv:      s.loadEnv,
	}
}

// close frees the plugin when its last hook has ended.
func (s *settings) close() error {
	if s.plugin == nil {
		return nil
	}
	return s.plugin.Close(context.Background())
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

// loadEnv returns the Env of an on_load. It reads the store without a transaction,
// and begins one in Commit only, so that hooks do not wait for a plugin that starts.
func (s *settings) loadEnv() plugin.Env {
	return &loadCall{
		&call{rt: s.rt, set: s, hook: abi.OnLoad, outbox: &hub.Outbox{Hub: s.rt.hub}, tx: store.Tx{Deferred: true}},
	}
}

// loadCall is the call of an on_load. The effects of the first on_load of new
// settings take place when the settings go live, since the reload may still fail.
type loadCall struct{ *call }

// Commit implements plugin.Env. It also flushes the outbox, as on_load has no read
// cycle.
func (l *loadCall) Commit() error {
	if !l.set.live {
		l.set.loaded = l
		return nil
	}
	err := l.call.Commit()
	l.outbox.Flush()
	return err
}

// Drop implements plugin.Env.
func (l *loadCall) Drop() {
	if l.set.loaded != l {
		l.call.Drop()
	}
}

// goLive puts the settings in use.
func (s *settings) goLive() {
	if s.live {
		return
	}
	s.live = true
	if l := s.loaded; l != nil {
		s.loaded = nil
		if err := l.Commit(); err != nil {
			s.rt.log.Error("effects of on_load failed", "plugin", s.name, "err", err)
		}
	}
	if s.rollout != nil {
		s.rollout.Activate()
	}
}
