package broker

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/redis/rueidis"
)

// clientOptions returns the options of the Redis client for a URL.
func clientOptions(o Options) (rueidis.ClientOption, error) {
	c, err := rueidis.ParseURL(o.URL)
	if err != nil {
		// The text of err may contain the password.
		return c, errors.New("broker: not an address of a Redis: " +
			"want redis://[user:password@]host:port[/db], rediss:// for TLS, or unix:///path")
	}
	switch {
	case c.TLSConfig != nil && o.TLS != nil:
		c.TLSConfig = o.TLS.Clone()
	case o.TLS != nil:
		return c, errors.New("broker: certificates of an authority without TLS: the URL has to begin with rediss://")
	}
	if c.TLSConfig != nil {
		c.TLSConfig.ServerName = "" // each address is verified by its own name
		c.TLSConfig.MinVersion = tls.VersionTLS12
	}
	c.ClientName = "azuhost-" + o.Node
	c.DisableCache = true
	c.DisableRetry = true // runLink retries
	c.ConnWriteTimeout = o.Timeout
	c.Dialer.Timeout = o.Timeout
	c.Dialer.KeepAlive = o.Timeout
	c.Sentinel.Dialer, c.Sentinel.TLSConfig, c.Sentinel.ClientName = c.Dialer, c.TLSConfig, c.ClientName
	c.ReadBufferEachConn, c.WriteBufferEachConn = 64<<10, 64<<10
	c.PipelineMultiplex = -1 // one connection keeps the order of commands
	return c, nil
}

// dial creates the client.
func (b *Broker) dial() error {
	o, err := clientOptions(b.opts)
	if err != nil {
		return err
	}
	if b.client, err = rueidis.NewClient(o); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}
