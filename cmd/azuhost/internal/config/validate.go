package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
)

// validate returns the problems that the types and tags of the keys do not show.
func (c *Config) validate() Problems {
	v := &validator{cfg: c}
	v.validateListeners()
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		v.addProblem("tls.cert", "tls: cert and key belong together: set both or neither")
	}
	v.validateFile("tls.cert", "tls.cert", c.TLS.Cert)
	v.validateFile("tls.key", "tls.key", c.TLS.Key)
	v.validateEntries("allowed_origins", "allowed_origins", c.AllowedOrigins, host.CheckAllowedOrigin)
	v.validateEntries("allowed_hosts", "allowed_hosts", c.AllowedHosts, host.CheckAllowedHost)
	v.validateEntries("trusted_proxies", "trusted_proxies", c.TrustedProxies, host.CheckTrustedProxy)
	v.validateAuth()
	for _, r := range c.Routes {
		v.validateRoute(r)
	}
	return v.probs
}

// validator collects the problems of a Config.
type validator struct {
	cfg   *Config
	route string // path of the route that is being validated, or empty
	probs Problems
}

// addProblem adds a problem with the value of a key.
func (v *validator) addProblem(key, format string, args ...any) {
	o := v.cfg.origin[key]
	text := fmt.Sprintf(format, args...)
	if v.route != "" {
		text = "route " + v.route + ": " + text
	}
	v.probs = append(v.probs, Problem{Where: o.String(), Route: v.route, Text: text, order: o.order()})
}

func (v *validator) validateListeners() {
	c := v.cfg
	v.validateAddress("listen", c.Listen)
	if err := admin.CheckToken(string(c.InternalToken)); err != nil {
		v.addProblem("internal_token", "internal_token: %v", err)
	}
	if c.Internal == "" || !v.validateAddress("internal", c.Internal) {
		return
	}
	if c.InternalToken == "" && !IsLoopback(c.Internal) {
		v.addProblem("internal",
			"internal: %s is not a loopback address: set internal_token (%sINTERNAL_TOKEN), which /api and /metrics then need",
			c.Internal, EnvPrefix)
	}
	if c.Internal == c.Listen && port(c.Listen) != "0" {
		v.addProblem("internal", "internal: %s is also the address of listen: choose another port", c.Internal)
	}
}

// validateAddress reports whether a listener can be opened at addr. It adds a problem if not.
func (v *validator) validateAddress(key, addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		v.addProblem(key, `%s: %q is not an address: write host:port or :port, as in ":4000"`, key, addr)
	}
	return err == nil
}

// validateEntries adds a problem for each entry of list that validate refuses.
func (v *validator) validateEntries(key, name string, list []string, validate func(string) error) {
	for _, entry := range list {
		if err := validate(entry); err != nil {
			v.addProblem(key, "%s: %v", name, err)
		}
	}
}

// validateFile adds a problem if path names no file. An empty path is valid.
func (v *validator) validateFile(key, name string, path Path) {
	if path == "" {
		return
	}
	info, err := os.Stat(string(path))
	switch {
	case err != nil:
		v.addProblem(key, "%s: %v", name, fileError(string(path), err))
	case info.IsDir():
		v.addProblem(key, "%s: %s is a folder: name a file", name, path)
	}
}

func (v *validator) validateAuth() {
	a := v.cfg.Auth
	v.validateFile("auth.secret_file", "auth.secret_file", a.SecretFile)
	v.validateFile("auth.public_key_file", "auth.public_key_file", a.PublicKeyFile)
	v.validateFile("auth.jwks_file", "auth.jwks_file", a.JWKSFile)
	if o := v.cfg.Options().Auth; o != nil {
		if err := o.Check(); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				v.addProblem("auth", "auth: %s", line)
			}
		}
	}
}

func (v *validator) validateRoute(r Route) {
	v.route = r.Path
	defer func() { v.route = "" }()
	key := routeName(r.Path)
	if !strings.HasPrefix(r.Path, "/") {
		v.addProblem(key, "a path must begin with /")
	}
	if r.Auth != "none" && !v.cfg.Auth.isSet() {
		v.addProblem(key+".auth", "auth: %s needs a top-level block auth, with the keys that verify tokens", r.Auth)
	}
	originsKey := v.cfg.settingKey(r.Path, "allowed_origins")
	v.validateEntries(originsKey, "allowed_origins", r.AllowedOrigins, host.CheckAllowedOrigin)
	if r.Plugin == "" {
		v.addProblem(key, "no plugin: set plugin to the path of a .wasm file")
		return
	}
	v.validateFile(v.cfg.settingKey(r.Path, "plugin"), "plugin", r.Plugin)
}

// settingKey returns the name of the key that sets name for the route at path: the route's own, or that of defaults.
func (c *Config) settingKey(path, name string) string {
	key := routeName(path) + "." + name
	if _, ok := c.origin[key]; !ok {
		return defaultsPrefix + name
	}
	return key
}

// PluginProblem returns the problem that the plugin of r does not load. text says why.
func (c *Config) PluginProblem(r Route, text string) Problem {
	v := &validator{cfg: c, route: r.Path}
	v.addProblem(c.settingKey(r.Path, "plugin"), "plugin %s: %s", r.Plugin, text)
	return v.probs[0]
}

// IsLoopback reports whether only this machine can reach a listener at addr (host:port).
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// port returns the port of addr, or an empty string if it has none.
func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
