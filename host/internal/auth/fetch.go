package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of a fetch.
const (
	fetchTimeout = 5 * time.Second
	fetchBytes   = 512 << 10
	fetchHops    = 3 // redirects, within the host of the URL
)

// parseURL takes https, and http on this machine.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("jwks_url: want a URL such as https://login.example.com/.well-known/jwks.json")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("jwks_url: want https: who can change the answer could sign tokens. http is for loopback only")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// newClient makes a client that stays with the scheme and host of u. It keeps no
// connection open: fetches are rare.
func newClient(u *url.URL, transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: fetchTimeout}).DialContext,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &http.Client{
		Transport: transport,
		Timeout:   fetchTimeout,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Host != u.Host || req.URL.Scheme != u.Scheme {
				return errors.New("a redirect to another host is not followed: configure the URL that it leads to")
			}
			if len(via) > fetchHops {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
}

// fetch gets the keys, and how long the server says that they are fresh; 0: it
// says nothing.
func (r *remote) fetch(ctx context.Context) (keys []key, age time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := r.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) { // without the URL, whose query may be secret
			err = ue.Err
		}
		return nil, 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("status %d: want 200", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, fetchBytes+1))
	if err != nil {
		return nil, 0, err
	}
	if len(body) > fetchBytes {
		return nil, 0, fmt.Errorf("a JWKS of more than %d bytes", fetchBytes)
	}
	keys, skipped, err := parseJWKS(body)
	if len(skipped) > 0 {
		r.log.Debug("keys of the JWKS that are not used", "why", errors.Join(skipped...))
	}
	return keys, maxAge(res.Header.Get("Cache-Control")), err
}

// maxAge reads Cache-Control (RFC 9111, section 5.2.2); 0: it says nothing.
func maxAge(header string) time.Duration {
	for d := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(d)), "=")
		switch name {
		case "no-cache", "no-store":
			return refreshLeast
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				return max(time.Duration(n)*time.Second, refreshLeast)
			}
		}
	}
	return 0
}
