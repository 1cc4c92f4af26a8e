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

// Options returns the options of the host, without Log and Registry. InternalToken is an option of package admin.
func (c *Config) Options() host.Options {
	var o host.Options
	fields.Copy(&o, *c)
	// 0 means none in a file, and the default in host.Options.
	o.MaxConnectionsPerAddress = noneIfZero(o.MaxConnectionsPerAddress)
	o.PingInterval = noneIfZero(o.PingInterval)
	o.Drain.Spread = noneIfZero(o.Drain.Spread)
	o.Drain.Reconnect = noneIfZero(o.Drain.Reconnect)
	o.CacheDir, o.StateDir = c.cacheDir(), c.stateDir()
	if c.Auth.isSet() {
		o.Auth = c.Auth.options()
	}
	for _, r := range c.Routes {
		o.Routes = append(o.Routes, r.options())
	}
	return o
}

// isSet reports whether a differs from its default. An empty list, which an empty variable sets, does not differ.
func (a Auth) isSet() bool {
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
		o.Query = "-" // host.Auth.Query: none
	}
	return &o
}

// noneIfZero returns -1, which means none in host.Options, for 0.
func noneIfZero[T int | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// Capabilities returns Allow for host.Route. It is never nil, because nil allows all capabilities.
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

// cacheDir returns the folder that CacheDir stands for. It is empty if the user has no cache folder.
func (c *Config) cacheDir() string {
	if c.CacheDir != PathAuto {
		return string(c.CacheDir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "azuhost")
}

// stateDir returns the folder that StateDir stands for. PathAuto stands for a folder of the config file, or of the
// working folder without a file: the host removes files of other routes from it. The result is empty if the user has no
// home folder.
func (c *Config) stateDir() string {
	if c.StateDir != PathAuto {
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
	path, err := filepath.Abs(c.file)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(base, "azuhost", hex.EncodeToString(sum[:6]))
}

// RestartKeys returns the names of the keys that differ between c and next and need a restart. It does not compare
// routes: the host does.
func (c *Config) RestartKeys(next *Config) []string {
	var names []string
	current, changed := reflect.ValueOf(c).Elem(), reflect.ValueOf(next).Elem()
	for _, k := range Keys() {
		if !k.Restart || strings.HasPrefix(k.Name, defaultsPrefix) {
			continue
		}
		if current.FieldByIndex(k.field.index).Interface() != changed.FieldByIndex(k.field.index).Interface() {
			names = append(names, k.Name)
		}
	}
	if (c.TLS.Cert == "") != (next.TLS.Cert == "") {
		names = append(names, "tls")
	}
	return names
}
