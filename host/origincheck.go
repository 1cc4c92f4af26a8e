package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// CheckAllowedHost says why an entry of Options.AllowedHosts can never match, and
// what to write instead.
func CheckAllowedHost(pattern string) error {
	if err := checkPattern(pattern); err != nil {
		return err
	}
	name := strings.ToLower(pattern)
	if strings.Contains(name, "[") && !strings.ContainsAny(name, ":/") {
		return nil // one of several characters, not an address in brackets
	}
	_, name, _ = cutScheme(name)
	name, _, _ = strings.Cut(name, "/")
	name = hostname(name)
	_, err := netip.ParseAddr(name)
	switch {
	case name == "":
		return fmt.Errorf(`%q has no name in it: write one, as in "chat.example.com"`, pattern)
	case name != strings.ToLower(pattern):
		return fmt.Errorf("%q is more than the name of a host: write %q", pattern, name)
	case err != nil && strings.Contains(name, ":") && !strings.ContainsAny(name, "*?"):
		return fmt.Errorf(`%q is neither a name, as in "chat.example.com", nor an address`, pattern)
	}
	return nil
}

// CheckAllowedOrigin says why an entry of Options.AllowedOrigins, or of a route,
// can never match what browsers send, and what to write instead.
func CheckAllowedOrigin(pattern string) error {
	if err := checkPattern(pattern); err != nil {
		return err
	}
	lower := strings.ToLower(pattern)
	scheme, rest, full := cutScheme(lower)
	rest = originHost(scheme, rest)
	want := rest
	if full {
		want = pageScheme(scheme) + "://" + rest
	}
	switch {
	case pattern == "*":
		return nil
	case lower == "null" || scheme == "file":
		return fmt.Errorf(`%q: pages of files, and sandboxed ones, have no origin of their own: only "*" allows them`, pattern)
	case rest == "" || full && scheme == "":
		return fmt.Errorf(`%q is no origin: write one, as in "https://app.example.com"`, pattern)
	case want != lower:
		return fmt.Errorf("%q is not what a browser sends: write %q", pattern, want)
	case strings.HasPrefix(rest, "[") && strings.Contains(rest, ":") && strings.ContainsAny(rest, "*?"):
		return fmt.Errorf("%q: an address in brackets is compared as it is: write its port without *", pattern)
	}
	if _, port, err := net.SplitHostPort(rest); err == nil && !validPort(port) {
		return fmt.Errorf("%q: the port is not a number from 1 to 65535, nor *", pattern)
	}
	return nil
}

// checkPattern says what neither names nor origins have in them.
func checkPattern(pattern string) error {
	switch {
	case pattern == "":
		return errors.New("an entry is empty: write * for any")
	case strings.ContainsAny(pattern, ",;"):
		return fmt.Errorf("%q has more than one in it: write an entry for each", pattern)
	case strings.ContainsFunc(pattern, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("%q has white space in it: take it away", pattern)
	case strings.ContainsFunc(pattern, func(r rune) bool { return r > unicode.MaxASCII }):
		return fmt.Errorf("%q is not in ASCII, as names are sent: write it with xn--", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q can not be compared with anything: write * for any characters, and no [ that is not closed", pattern)
	}
	return nil
}

func cutScheme(text string) (scheme, rest string, ok bool) {
	if scheme, rest, ok = strings.Cut(text, "://"); ok {
		return scheme, rest, true
	}
	return "", text, false
}

// pageScheme is the scheme of a page that opens sockets of a scheme.
func pageScheme(scheme string) string {
	switch scheme {
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return scheme
}

// originHost is what a browser sends of the rest of a URL: the host, and the port
// where it is not the one of the scheme.
func originHost(scheme, rest string) string {
	rest, _, _ = strings.Cut(rest, "/")
	rest, _, _ = strings.Cut(rest, "#")
	rest = rest[strings.LastIndex(rest, "@")+1:]
	switch pageScheme(scheme) {
	case "https":
		rest = strings.TrimSuffix(rest, ":443")
	case "http":
		rest = strings.TrimSuffix(rest, ":80")
	}
	if a, err := netip.ParseAddr(rest); err == nil && a.Is6() {
		return "[" + rest + "]"
	}
	if !strings.Contains(rest, ":") && scheme == "" {
		rest = strings.TrimSuffix(rest, ".") // as hostname does
	}
	return rest
}

func validPort(port string) bool {
	if strings.ContainsAny(port, "*?[") {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// checkEach holds each entry of the list of a name against check.
func checkEach(name string, list []string, check func(string) error) error {
	var errs []error
	for _, entry := range list {
		if err := check(entry); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
