package main

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// certificate is the certificate of the public listener. It may be replaced while handshakes run.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// readCertificate reads the files that c names. It returns nil if c names none.
func readCertificate(c config.TLS) (*tls.Certificate, error) {
	if c.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(string(c.Cert), string(c.Key))
	if err != nil {
		return nil, fmt.Errorf("tls: certificate %s with key %s: %w", c.Cert, c.Key, err)
	}
	return &pair, nil
}

// config returns the TLS configuration of a listener. TLS 1.2 is the lowest version that RFC 9325, section 3.1.1,
// allows.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
