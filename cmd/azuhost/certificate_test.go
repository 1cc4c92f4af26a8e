package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// newCertificate returns a self-signed certificate for 127.0.0.1 and its key, both as PEM.
func newCertificate() (cert, key []byte, err error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "azuhost test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &priv.PublicKey, priv)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, err
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}

// TestHTTP1Only: a client that prefers HTTP/2 gets HTTP/1.1, which a WebSocket handshake needs. The certificate may
// change between handshakes.
func TestHTTP1Only(t *testing.T) {
	var c certificate
	ln, err := listen(t.Context(), "listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first, second := storedCertificate(t), storedCertificate(t)
	c.current.Store(first)
	ln.serve(http.NotFoundHandler(), time.Second, time.Minute, c.config(), slog.New(slog.DiscardHandler))
	defer ln.shutdown(context.Background())

	dial := func() tls.ConnectionState {
		t.Helper()
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{
			NextProtos: []string{"h2", "http/1.1"}, InsecureSkipVerify: true, // the test compares the certificate
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState()
	}
	if got := dial(); got.NegotiatedProtocol != "http/1.1" || !got.PeerCertificates[0].Equal(first.Leaf) {
		t.Errorf("negotiated %q", got.NegotiatedProtocol)
	}
	c.current.Store(second)
	if !dial().PeerCertificates[0].Equal(second.Leaf) {
		t.Error("the new certificate is not used")
	}
}

// storedCertificate returns a new certificate that was written to files and read back.
func storedCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	cert, key, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names := config.TLS{Cert: config.Path(filepath.Join(dir, "cert")), Key: config.Path(filepath.Join(dir, "key"))}
	for name, data := range map[config.Path][]byte{names.Cert: cert, names.Key: key} {
		if err := os.WriteFile(string(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := readCertificate(names)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
