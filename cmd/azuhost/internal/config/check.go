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

// check finds what the types of the keys do not say.
func (c *Config) check() Problems {
	p := &checker{cfg: c}
	p.address("listen", c.Listen, false)
	internal := p.address("internal", c.Internal, true) && c.Internal != ""
	if internal && c.InternalToken == "" && !Loopback(c.Internal) {
		p.add("internal", "internal: %s is not a loopback address: set internal_token (%sINTERNAL_TOKEN), which /metrics then asks for", c.Internal, EnvPrefix)
	}
	if err := admin.CheckToken(string(c.InternalToken)); err != nil {
		p.add("internal_token", "internal_token: %v", err)
	}
	if internal && c.Internal == c.Listen && port(c.Listen) != "0" {
		p.add("internal", "internal: %s is the public listener's address too", c.Internal)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		p.add("tls.cert", "tls: cert and key belong together: set both or none")
	}
	p.file("tls.cert", "tls.cert", c.TLS.Cert)
	p.file("tls.key", "tls.key", c.TLS.Key)
	p.each("allowed_origins", "allowed_origins", c.AllowedOrigins, host.CheckAllowedOrigin)
	p.each("allowed_hosts", "allowed_hosts", c.AllowedHosts, host.CheckAllowedHost)
	p.each("trusted_proxies", "trusted_proxies", c.TrustedProxies, host.CheckTrustedProxy)
	p.checkAuth()
	for _, r := range c.Routes {
		p.checkRoute(r)
	}
	return p.probs
}

// checkAuth checks what tokens are verified with.
func (p *checker) checkAuth() {
	a := p.cfg.Auth
	p.file("auth.secret_file", "auth.secret_file", a.SecretFile)
	p.file("auth.public_key_file", "auth.public_key_file", a.PublicKeyFile)
	p.file("auth.jwks_file", "auth.jwks_file", a.JWKSFile)
	if o := p.cfg.Options().Auth; o != nil {
		if err := o.Check(); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				p.add("auth", "auth: %s", line)
			}
		}
	}
}

type checker struct {
	cfg   *Config
	route string
	probs Problems
}

// add reports a problem with the value of a key.
func (p *checker) add(key, format string, args ...any) {
	o := p.cfg.origin[key]
	text := fmt.Sprintf(format, args...)
	if p.route != "" {
		text = "route " + p.route + ": " + text
	}
	p.probs = append(p.probs, Problem{Where: o.String(), Route: p.route, Text: text, order: o.order()})
}

// address says whether addr can be listened at, and reports it if not.
func (p *checker) address(key, addr string, optional bool) bool {
	if addr == "" && optional {
		return true
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		p.add(key, `%s: %q is not an address: write host:port or :port, as in ":4000"`, key, addr)
	}
	return err == nil
}

// each reports the entries of a list that check refuses.
func (p *checker) each(key, name string, list []string, check func(string) error) {
	for _, entry := range list {
		if err := check(entry); err != nil {
			p.add(key, "%s: %v", name, err)
		}
	}
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// file reports a file that is not there.
func (p *checker) file(key, name string, path Path) {
	if path == "" {
		return
	}
	info, err := os.Stat(string(path))
	switch {
	case err != nil:
		p.add(key, "%s: %v", name, plain(string(path), err))
	case info.IsDir():
		p.add(key, "%s: %s is a folder", name, path)
	}
}

func (p *checker) checkRoute(r Route) {
	p.route = r.Path
	defer func() { p.route = "" }()
	key := routeKey(r.Path)
	if !strings.HasPrefix(r.Path, "/") {
		p.add(key, "a path must begin with /")
	}
	if r.Auth != "none" && !p.cfg.Auth.set() {
		p.add(key+".auth", "auth: %s needs a top-level block auth that says which tokens are good", r.Auth)
	}
	p.each(p.cfg.routeKeyOf(r.Path, "allowed_origins"), "allowed_origins", r.AllowedOrigins, host.CheckAllowedOrigin)
	if r.Plugin == "" {
		p.add(key, "no plugin: name its .wasm file")
		return
	}
	p.file(p.cfg.routeKeyOf(r.Path, "plugin"), "plugin", r.Plugin)
}

// routeKeyOf is the key that sets name for a route: its own, or that of defaults.
func (c *Config) routeKeyOf(path, name string) string {
	key := routeKey(path) + "." + name
	if _, ok := c.origin[key]; !ok {
		return "defaults." + name
	}
	return key
}

// BadPlugin is the problem of a route whose plugin does not load.
func (c *Config) BadPlugin(r Route, text string) Problem {
	p := &checker{cfg: c, route: r.Path}
	p.add(c.routeKeyOf(r.Path, "plugin"), "plugin %s: %s", r.Plugin, text)
	return p.probs[0]
}

// Loopback says whether a listener at addr can be reached from this machine
// only.
func Loopback(addr string) bool {
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
