package host

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Which pages may open a WebSocket. The browser sends the page's origin and
// the name that it believes to talk to; a page of an attacker whose name
// resolves to this machine (DNS rebinding) has the two agree, so that the
// name itself has to be one of ours.

// HostAllowed says whether the name that r was sent to is one of
// Options.AllowedHosts, for pages that are served beside the channels.
func (h *Host) HostAllowed(r *http.Request) bool {
	return hostAllowed(r, h.config.Load().AllowedHosts)
}

// hostAllowed says whether r.Host is a name of this server. Without a list
// those are localhost and IP addresses, which no foreign name server answers for.
func hostAllowed(r *http.Request, allowed []string) bool {
	name := hostname(r.Host)
	if name == "" {
		return false
	}
	if len(allowed) == 0 {
		if _, err := netip.ParseAddr(name); err == nil {
			return true
		}
		return name == "localhost" || strings.HasSuffix(name, ".localhost")
	}
	for _, a := range allowed {
		if matchHost(strings.ToLower(a), name) {
			return true
		}
	}
	return false
}

// originAllowed says whether the page that r comes from may connect. Clients
// that are no browsers send no origin.
func originAllowed(r *http.Request, allowed []string) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Host == "" {
		for _, a := range allowed {
			if a == "*" {
				return true
			}
		}
		return false // "null" of a sandboxed page or a file
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	for _, a := range allowed {
		a = strings.ToLower(a)
		target := strings.ToLower(u.Host)
		if strings.Contains(a, "://") {
			target = strings.ToLower(u.Scheme + "://" + u.Host)
		} else if !strings.Contains(a, ":") {
			target = hostname(u.Host)
		}
		if matchHost(a, target) {
			return true
		}
	}
	return false
}

// matchHost compares a name with a pattern, in which * stands for any characters.
func matchHost(pattern, name string) bool {
	if pattern == "*" || pattern == name {
		return true
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// hostname is the lower-case name or address in a host with or without port.
func hostname(hostport string) string {
	h := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		h = name
	}
	h = strings.TrimSuffix(strings.TrimPrefix(h, "["), "]")
	return strings.ToLower(strings.TrimSuffix(h, "."))
}
