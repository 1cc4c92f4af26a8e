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
	"github.com/azuhost/azuhost/internal/fields"
)

// Options returns the options of the host that c stands for, without Log and
// Registry. InternalToken is an option of package admin.
func (c *Config) Options() host.Options {
	var o host.Options
	fields.Copy(&o, *c)
	// In a file 0 means none, which is -1 to the host.
	o.MaxConnectionsPerAddress = noneIfZero(o.MaxConnectionsPerAddress)
	o.PingInterval = noneIfZero(o.PingInterval)
	o.Drain.Spread = noneIfZero(o.Drain.Spread)
	o.Drain.Reconnect = noneIfZero(o.Drain.Reconnect)
	o.CacheDir, o.StateDir = c.cacheDir(), c.stateDir()
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

// options returns the host's options for tokens.
func (a Auth) options() *host.Auth {
	var o host.Auth
	fields.Copy(&o, a)
	o.AllowNoExpiry = !a.RequireExpiry
	o.Leeway = noneIfZero(o.Leeway)
	if o.Query == "" {
		o.Query = "-" // the host's word for none
	}
	return &o
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

// options returns the host's options for a route.
func (r Route) options() host.Route {
	var o host.Route
	fields.Copy(&o, r)
	o.Allow = r.Capabilities()
	o.PresenceGrace = noneIfZero(o.PresenceGrace)
	o.Limits.MessagesPerSecond = noneIfZero(o.Limits.MessagesPerSecond)
	return o
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
