package origin

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

// CheckHost returns an error if HostAllowed can never match the pattern. The error says what to write instead.
func CheckHost(pattern string) error {
	if err := checkPattern(pattern); err != nil {
		return err
	}
	name := strings.ToLower(pattern)
	if strings.Contains(name, "[") && !strings.ContainsAny(name, ":/") {
		return nil // a character class, not an address in brackets
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

// Check returns an error if Allowed can never match the pattern with an origin that a browser sends. The error says
// what to write instead.
func Check(pattern string) error {
	if err := checkPattern(pattern); err != nil {
		return err
	}
	lower := strings.ToLower(pattern)
	scheme, rest, full := cutScheme(lower)
	host := originHost(scheme, rest)
	want := host
	if full {
		want = pageScheme(scheme) + "://" + host
		lower = scheme + "://" + withoutDefaultPort(scheme, rest)
	}
	switch {
	case pattern == "*":
		return nil
	case lower == "null" || scheme == "file":
		return fmt.Errorf(`%q: files and sandboxed pages have no origin of their own: only "*" allows them`, pattern)
	case host == "" || full && scheme == "":
		return fmt.Errorf(`%q is not an origin: write one, as in "https://app.example.com"`, pattern)
	case want != lower:
		return fmt.Errorf("%q is not what a browser sends: write %q", pattern, want)
	case strings.HasPrefix(host, "[") && strings.Contains(host, ":") && strings.ContainsAny(host, "*?"):
		return fmt.Errorf("%q: an address in brackets is compared literally: write its port without *", pattern)
	}
	if _, port, err := net.SplitHostPort(host); err == nil && !validPort(port) {
		return fmt.Errorf("%q: the port is neither a number from 1 to 65535 nor *", pattern)
	}
	return nil
}

// checkPattern checks the rules that hold for hosts and origins alike.
func checkPattern(pattern string) error {
	switch {
	case pattern == "":
		return errors.New("an entry is empty: write * for any")
	case strings.ContainsAny(pattern, ",;"):
		return fmt.Errorf("%q is a list: write an entry for each", pattern)
	case strings.ContainsFunc(pattern, isSpaceOrControl):
		return fmt.Errorf("%q contains white space: remove it", pattern)
	case strings.ContainsFunc(pattern, func(r rune) bool { return r > unicode.MaxASCII }):
		return fmt.Errorf("%q is not ASCII, and browsers send names in ASCII: write it with xn--", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q is not a valid pattern: write * for any characters, and no [ that is not closed", pattern)
	}
	return nil
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// cutScheme cuts text around "://"; ok is false if it has none.
func cutScheme(text string) (scheme, rest string, ok bool) {
	if scheme, rest, ok = strings.Cut(text, "://"); ok {
		return scheme, rest, true
	}
	return "", text, false
}

// pageScheme returns the scheme of the pages that open sockets of the given scheme.
func pageScheme(scheme string) string {
	switch scheme {
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return scheme
}

// originHost returns the part after "://" of the origin that a browser sends for a URL: the host, and the port if it
// is not the default port of the scheme (RFC 6454, section 6.2). rest is the URL after its "://".
func originHost(scheme, rest string) string {
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "#")
	host = host[strings.LastIndex(host, "@")+1:]
	host = withoutDefaultPort(scheme, host)
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "[" + host + "]"
	}
	if !strings.Contains(host, ":") && scheme == "" {
		host = strings.TrimSuffix(host, ".") // Allowed compares such a pattern with hostname, which has no final dot
	}
	return host
}

// validPort reports whether a port is a pattern or a number from 1 to 65535.
func validPort(port string) bool {
	if strings.ContainsAny(port, "*?[") {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
