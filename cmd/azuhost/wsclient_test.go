package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

// testTimeout bounds the time that tests wait for an event.
const testTimeout = 20 * time.Second

// wsclient is the command wsclient URL MESSAGE... of scripts, a WebSocket client. It sends each message and prints its
// answer. It gets and prints an http URL.
func wsclient() {
	var (
		ca     = flag.String("ca", "", "PEM file of the certificate authority")
		status = flag.Int("status", 0, "wait until the server answers with this status")
		ready  = flag.String("ready", "", "create this file after the last answer")
		trust  = flag.Bool("trust", false, "wait until the authority has signed the server's certificate")
		bearer = flag.String("bearer", "", "token")
		stall  = flag.Bool("stall", false, "after the last answer read nothing, and do not answer a close")
		closed = flag.Bool("closed", false, "print all messages until the close, and its code")
	)
	flag.Parse()
	limit := testTimeout
	if *closed {
		limit *= 6 // the connection may last for the whole script
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := scriptClient{ca: *ca, status: *status, trust: *trust, bearer: *bearer}
	if err := c.run(ctx, flag.Arg(0), flag.Args()[1:], *ready, *closed, *stall); err != nil {
		fmt.Fprintln(os.Stderr, "wsclient:", err)
		os.Exit(1)
	}
}

// scriptClient holds the options of wsclient.
type scriptClient struct {
	ca     string
	status int
	trust  bool
	bearer string
}

func (c scriptClient) run(ctx context.Context, url string, messages []string, ready string, closed, stall bool) error {
	hc, err := c.http()
	if err != nil {
		return err
	}
	if url[:2] != "ws" {
		return c.get(ctx, hc, url)
	}
	conn, err := c.dial(ctx, hc, url)
	if err != nil || conn == nil {
		return err
	}
	defer conn.CloseNow()
	for _, m := range messages {
		if err := conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			return err
		}
		_, data, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", data)
	}
	if ready != "" {
		if err := os.WriteFile(ready, nil, 0o600); err != nil {
			return err
		}
	}
	if stall {
		<-ctx.Done()
		return nil
	}
	if !closed {
		return conn.Close(websocket.StatusNormalClosure, "")
	}
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			fmt.Printf("closed %d\n", websocket.CloseStatus(err))
			return nil
		}
		fmt.Printf("%s\n", data)
	}
}

func (c scriptClient) http() (*http.Client, error) {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	if c.ca != "" {
		pem, err := os.ReadFile(c.ca)
		if err != nil {
			return nil, err
		}
		tr.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		tr.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	return &http.Client{Transport: tr}, nil
}

// dial connects to url. It tries again while the server refuses connections, or answers with another status than the
// wanted one. If the wanted status is not 101, dial returns no connection.
func (c scriptClient) dial(ctx context.Context, hc *http.Client, url string) (*websocket.Conn, error) {
	for {
		conn, res, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: hc, HTTPHeader: c.header()})
		switch {
		case err == nil && (c.status == 0 || c.status == http.StatusSwitchingProtocols):
			return conn, nil
		case err == nil:
			conn.CloseNow()
		case res != nil && res.StatusCode == c.status:
			fmt.Printf("status %d\n", c.status)
			return nil, nil
		case res != nil && c.status == 0:
			return nil, fmt.Errorf("status %d: %w", res.StatusCode, err)
		case res == nil && !errors.Is(err, syscall.ECONNREFUSED) && !(c.trust && isUntrusted(err)):
			return nil, err
		}
		if err := waitRetry(ctx); err != nil {
			return nil, errors.Join(err, fmt.Errorf("%s did not answer as expected", url))
		}
	}
}

func (c scriptClient) header() http.Header {
	if c.bearer == "" {
		return http.Header{}
	}
	return http.Header{"Authorization": {"Bearer " + c.bearer}}
}

func isUntrusted(err error) bool {
	var cert *tls.CertificateVerificationError
	return errors.As(err, &cert)
}

// get gets url and prints the status and the body. It tries again while the server refuses connections.
func (c scriptClient) get(ctx context.Context, hc *http.Client, url string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Header = c.header()
		res, err := hc.Do(req)
		if err == nil {
			defer res.Body.Close()
			fmt.Printf("status %d\n", res.StatusCode)
			_, err = io.Copy(os.Stdout, res.Body)
			return err
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		if err := waitRetry(ctx); err != nil {
			return err
		}
	}
}

// waitRetry waits before the next try. Another process does not signal that it listens.
func waitRetry(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Millisecond):
		return nil
	}
}
