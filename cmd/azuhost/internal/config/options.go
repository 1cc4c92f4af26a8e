package config

import (
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
		CacheDir:                 c.cacheDir(),
		Watch:                    c.Watch,
	}
	for _, r := range c.Routes {
		o.Routes = append(o.Routes, r.options())
	}
	return o
}

// noneIfZero turns the 0 of a file, which says none, into the host's -1.
func noneIfZero[T int | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
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
		Subprotocols:   r.Subprotocols,
		AllowedOrigins: r.AllowedOrigins,
		PresenceGrace:  noneIfZero(time.Duration(r.PresenceGrace)),
		Limits: host.Limits{
			MaxMessage:            int(l.MaxMessage),
			MaxQueue:              int(l.MaxQueue),
			MaxConnections:        l.MaxConnections,
			MaxRoomsPerConnection: l.MaxRoomsPerConnection,
			Deadline:              time.Duration(l.Deadline),
			Memory:                int64(l.Memory),
			MaxModule:             int64(l.MaxModule),
			HookEffects:           l.HookEffects,
			HookBytes:             int(l.HookBytes),
			ValueBytes:            int(l.ValueBytes),
			StoreBytes:            int(l.StoreBytes),
			Timers:                l.Timers,
			MetricSeries:          l.MetricSeries,
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
