package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"
)

// parseURL makes the options of the client.
func parseURL(o Options) (rueidis.ClientOption, error) {
	c, err := rueidis.ParseURL(o.URL)
	if err != nil {
		// The text of the error may have the password in it.
		return c, errors.New("broker: not an address of a Redis: want redis://[user:password@]host:port[/db], rediss:// for TLS, or unix:///path")
	}
	switch {
	case c.TLSConfig != nil && o.TLS != nil:
		c.TLSConfig = o.TLS.Clone()
	case o.TLS != nil:
		return c, errors.New("broker: certificates of an authority, but no TLS: the URL has to begin with rediss://")
	}
	if c.TLSConfig != nil {
		c.TLSConfig.ServerName = "" // of each address its own
		c.TLSConfig.MinVersion = tls.VersionTLS12
	}
	c.ClientName = "azuhost-" + o.Node
	c.DisableCache = true
	c.DisableRetry = true // the link decides
	c.ConnWriteTimeout = o.Timeout
	c.Dialer.Timeout = o.Timeout
	c.Dialer.KeepAlive = o.Timeout
	c.Sentinel.Dialer, c.Sentinel.TLSConfig, c.Sentinel.ClientName = c.Dialer, c.TLSConfig, c.ClientName
	c.ReadBufferEachConn, c.WriteBufferEachConn = 64<<10, 64<<10
	c.PipelineMultiplex = -1 // one connection: the order of what is sent
	return c, nil
}

// refusedError is a Redis that answers, and will not have us as we are.
type configError struct {
	err error
	fix string
}

func (e *configError) Error() string { return e.err.Error() + ": " + e.fix }
func (e *configError) Unwrap() error { return e.err }

// explain says what to do about an error that does not end by itself.
func explainError(err error) error {
	var re *rueidis.RedisError
	var cert *tls.CertificateVerificationError
	fix := ""
	switch {
	case errors.As(err, &cert):
		fix = "its certificate is not trusted; name the file of its authority in broker.ca"
		if host := (x509.HostnameError{}); errors.As(err, &host) {
			fix = "its certificate is for other names; use one of those in broker.url"
		}
	case !errors.As(err, &re):
		return err
	case strings.HasPrefix(re.Error(), "WRONGPASS"):
		fix = "check the user and the password in broker.url; characters like @ : / in them are written as %40 %3A %2F"
	case strings.HasPrefix(re.Error(), "NOAUTH"):
		// What Redis says here is about its protocol.
		err, fix = errors.New("it wants a password"), "put it in broker.url, as in redis://:password@host:port"
	case strings.HasPrefix(re.Error(), "NOPERM"):
		fix = "the user in broker.url may not do that; docs/CLUSTER.md has what it needs"
	case strings.Contains(re.Error(), "DB index is out of range"), strings.Contains(re.Error(), "SELECT is not allowed in cluster mode"):
		fix = "take another database number in broker.url, or none"
	default:
		return err
	}
	return &configError{err, fix}
}

// dial makes the client.
func (b *Broker) dial() error {
	o, err := parseURL(b.opts)
	if err != nil {
		return err
	}
	if b.client, err = rueidis.NewClient(o); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}
