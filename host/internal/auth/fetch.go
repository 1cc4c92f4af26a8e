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

// Limits of a fetch.
const (
	fetchTimeout = 5 * time.Second
	fetchBytes   = 512 << 10
	fetchHops    = 3 // redirects, which stay on the host of the URL
)

// parseURL parses a URL with the scheme https, or http if the host is loopback.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("jwks_url: want a URL such as https://login.example.com/.well-known/jwks.json")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("jwks_url: want https, or http on loopback: whoever can change the response can sign tokens")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// newClient returns a client that follows redirects on the scheme and host of u only. It keeps no connection open, as
// fetches are rare.
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

// fetch fetches the keys. age is how long they are fresh, from Cache-Control; 0: the server does not say.
func (r *remoteKeys) fetch(ctx context.Context) (keys []key, age time.Duration, err error) {
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
		if errors.As(err, &ue) {
			err = ue.Err // without the URL: its query can be secret
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
		r.log.Debug("keys of the JWKS skipped", "reasons", errors.Join(skipped...))
	}
	return keys, maxAge(res.Header.Get("Cache-Control")), err
}

// maxAge returns how long a response is fresh by its Cache-Control (RFC 9111, section 5.2.2), at least refreshMin.
// 0: the header does not say.
func maxAge(header string) time.Duration {
	for d := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(d)), "=")
		switch name {
		case "no-cache", "no-store":
			return refreshMin
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				return max(time.Duration(n)*time.Second, refreshMin)
			}
		}
	}
	return 0
}
