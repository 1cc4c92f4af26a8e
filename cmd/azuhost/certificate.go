package main

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// certificate is the certificate of the public listener. It can be replaced
// while handshakes go on.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// readCertificate reads the files that c names; nil where it names none.
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

// config is the TLS configuration of a listener. TLS 1.2 is the least that
// RFC 9325 (section 3.1.1) allows.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
