package config

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host"
)

// Options are the options of the host that c stands for, without Log and
// Registry.
func (c *Config) Options() host.Options {
	o := host.Options{
		Node:          c.Node,
		InternalToken: string(c.InternalToken),
		Broker: host.Broker{
			URL: string(c.Broker.URL), CA: string(c.Broker.CA), Required: c.Broker.Required, Prefix: c.Broker.Prefix, Timeout: time.Duration(c.Broker.Timeout),
			TTL: time.Duration(c.Broker.TTL), MaxQueue: int(c.Broker.MaxQueue),
		},
		AllowedOrigins:           c.AllowedOrigins,
		AllowedHosts:             c.AllowedHosts,
		MaxConnections:           c.MaxConnections,
		MaxConnectionsPerAddress: noneIfZero(c.MaxConnectionsPerAddress),
		TrustedProxies:           c.TrustedProxies,
		HandshakeTimeout:         time.Duration(c.HandshakeTimeout),
		PingInterval:             noneIfZero(time.Duration(c.PingInterval)),
		PongTimeout:              time.Duration(c.PongTimeout),
		MessageTimeout:           time.Duration(c.MessageTimeout),
		CloseTimeout:             time.Duration(c.CloseTimeout),
		Drain: host.DrainOptions{
			Spread:    noneIfZero(time.Duration(c.Drain.Spread)),
			Reconnect: noneIfZero(time.Duration(c.Drain.Reconnect)),
		},
		CacheDir: c.cacheDir(),
		StateDir: c.stateDir(),
		Watch:    c.Watch,
	}
	if c.Auth.set() {
		o.Auth = c.Auth.options()
	}
	for _, r := range c.Routes {
		o.Routes = append(o.Routes, r.options())
	}
	return o
}

// set says whether anything of a is. An empty list is nothing: it is what an empty
// variable leaves.
func (a Auth) set() bool {
	if len(a.Algorithms) == 0 {
		a.Algorithms = nil
	}
	if len(a.Audience) == 0 {
		a.Audience = nil
	}
	return !reflect.DeepEqual(a, Default().Auth)
}

func (a Auth) options() *host.Auth {
	query := a.Query
	if query == "" {
		query = "-"
	}
	return &host.Auth{
		Algorithms:    a.Algorithms,
		Issuer:        a.Issuer,
		Audience:      a.Audience,
		Leeway:        noneIfZero(time.Duration(a.Leeway)),
		AllowNoExpiry: !a.RequireExpiry,
		MaxToken:      int(a.MaxToken),
		Secret:        string(a.Secret),
		SecretFile:    string(a.SecretFile),
		PublicKeyFile: string(a.PublicKeyFile),
		JWKSFile:      string(a.JWKSFile),
		JWKSURL:       a.JWKSURL,
		JWKSRefresh:   time.Duration(a.JWKSRefresh),
		JWKSMaxStale:  time.Duration(a.JWKSMaxStale),
		Query:         query,
		Cookie:        a.Cookie,
	}
}

// noneIfZero turns the 0 of a file, which says none, into the host's -1.
func noneIfZero[T int | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// Capabilities is Allow as the host takes it: never nil, which would be all.
func (r Route) Capabilities() []host.Capability {
	out := make([]host.Capability, len(r.Allow))
	for i, name := range r.Allow {
		out[i] = host.Capability(name)
	}
	return out
}

func (r Route) options() host.Route {
	l := r.Limits
	return host.Route{
		Path:           r.Path,
		Plugin:         string(r.Plugin),
		Config:         r.Config,
		Instances:      host.Instances(r.Instances),
		Metering:       host.Metering(r.Metering),
		SlowReader:     host.SlowReader(r.SlowReader),
		OnFault:        host.OnFault(r.OnFault),
		History:        host.History{Size: r.History.Size, TTL: time.Duration(r.History.TTL)},
		Store:          host.Store(r.Store),
		SharePresence:  r.SharePresence,
		Allow:          r.Capabilities(),
		Subprotocols:   r.Subprotocols,
		Auth:           host.AuthMode(r.Auth),
		AuthRefusal:    host.AuthRefusal(r.AuthRefusal),
		AllowedOrigins: r.AllowedOrigins,
		PresenceGrace:  noneIfZero(time.Duration(r.PresenceGrace)),
		Limits: host.Limits{
			MaxMessage:            int(l.MaxMessage),
			MaxQueue:              int(l.MaxQueue),
			MaxConnections:        l.MaxConnections,
			MessagesPerSecond:     noneIfZero(l.MessagesPerSecond),
			MessageBurst:          l.MessageBurst,
			MaxRoomsPerConnection: l.MaxRoomsPerConnection,
			Deadline:              time.Duration(l.Deadline),
			Fuel:                  int64(l.Fuel),
			Memory:                int64(l.Memory),
			MaxModule:             int64(l.MaxModule),
			Module: host.ModuleLimits{
				Types:         l.ModuleTypes,
				Params:        l.ModuleParams,
				Results:       l.ModuleResults,
				Imports:       l.ModuleImports,
				Exports:       l.ModuleExports,
				Globals:       l.ModuleGlobals,
				Functions:     l.ModuleFunctions,
				Body:          int(l.ModuleBody),
				Locals:        l.ModuleLocals,
				TotalLocals:   l.ModuleTotalLocals,
				Nesting:       l.ModuleNesting,
				Blocks:        l.ModuleBlocks,
				LoopWork:      l.ModuleLoopWork,
				LocalWork:     l.ModuleLocalWork,
				Work:          l.ModuleWork,
				Branches:      l.ModuleBranches,
				Operands:      l.ModuleOperands,
				Tables:        l.ModuleTables,
				TableSize:     l.ModuleTableSize,
				Data:          l.ModuleData,
				Elements:      l.ModuleElements,
				ElementValues: l.ModuleElementValues,
				Customs:       l.ModuleCustoms,
				CustomBytes:   int(l.ModuleCustomBytes),
				Name:          l.ModuleName,
			},
			HookEffects:  l.HookEffects,
			HookBytes:    int(l.HookBytes),
			ValueBytes:   int(l.ValueBytes),
			StoreBytes:   int(l.StoreBytes),
			HistoryBytes: int(l.HistoryBytes),
			Presences:    l.Presences,
			Timers:       l.Timers,
			MetricSeries: l.MetricSeries,
			Faults:       l.Faults,
			FaultWindow:  time.Duration(l.FaultWindow),
		},
	}
}

// cacheDir is the folder that CacheDir stands for. A machine that names no
// cache folder for the user has no cache.
func (c *Config) cacheDir() string {
	if c.CacheDir != CacheAuto {
		return string(c.CacheDir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "azuhost")
}

// stateDir is the folder that StateDir stands for. auto is a folder for each
// config file (or working folder, where there is none), since files of other
// routes are removed from it. A machine that names no folder for the user has none.
func (c *Config) stateDir() string {
	if c.StateDir != CacheAuto {
		return string(c.StateDir)
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	who, err := filepath.Abs(c.file)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(who))
	return filepath.Join(base, "azuhost", hex.EncodeToString(sum[:6]))
}

// NeedRestart names the keys that differ between c and next and cannot be
// changed while azuhost runs.
func (c *Config) NeedRestart(next *Config) []string {
	var names []string
	old, new := reflect.ValueOf(c).Elem(), reflect.ValueOf(next).Elem()
	for _, k := range Keys() {
		if strings.HasPrefix(k.Name, "defaults.") {
			continue // what comes of them in routes is the host's to judge
		}
		if k.Restart && old.FieldByIndex(k.field.index).Interface() != new.FieldByIndex(k.field.index).Interface() {
			names = append(names, k.Name)
		}
	}
	if (c.TLS.Cert == "") != (next.TLS.Cert == "") {
		names = append(names, "tls")
	}
	return names
}
