package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// acl has the rights that docs/CLUSTER.md lists.
const acl = "user azuhost on >p@ss/w:rd ~azuhost:* &azuhost:* -@all +@connection +@read +@write +@pubsub " +
	"+@scripting +@hash +@stream +info +cluster|slots +cluster|shards +command|info +time"

// weakACL is a user who may not publish or subscribe.
const weakACL = "user weak on >weak ~azuhost:* &azuhost:* +@all -publish -evalsha -eval -subscribe -ssubscribe"

// TestConnect: each way to reach a Redis works, and each mistake is named in the error and the log.
func TestConnect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	roots := newCertificate(t, dir)
	socket := filepath.Join(dir, "redis.sock")
	aclFile := filepath.Join(dir, "users.acl")
	users := "user default on >secret ~* &* +@all\n" + acl + "\n" + weakACL + "\n"
	if err := os.WriteFile(aclFile, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	locked := redistest.Start(t, "--aclfile", aclFile, "--unixsocket", socket)
	secured := redistest.StartTLS(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	trust := func(o *Options) { o.TLS = &tls.Config{RootCAs: roots} }
	azuhost := "redis://azuhost:" + url.QueryEscape("p@ss/w:rd") + "@" + locked.Addr()
	otherName := "rediss://:hidden@" + strings.Replace(secured, "127.0.0.1", "localhost", 1)
	for _, c := range []struct {
		name, url string
		change    func(*Options)
		want      string // of the error; empty: it works
	}{
		{"password", "redis://:secret@" + locked.Addr(), nil, ""},
		{"ACL user, with its least rights", azuhost, nil, ""},
		{"database", "redis://:secret@" + locked.Addr() + "/3", nil, ""},
		{"socket", "unix://:secret@" + socket, nil, ""},
		{"TLS", "rediss://" + secured, trust, ""},
		{"wrong password", "redis://:hidden@" + locked.Addr(), nil, "check the user and the password"},
		{"unknown user", "redis://nobody:hidden@" + locked.Addr(), nil, "check the user and the password"},
		{"no password", "redis://" + locked.Addr(), nil, "password is required"},
		{"no rights", "redis://weak:weak@" + locked.Addr(), nil, "may not do that"},
		{"database too large", "redis://:secret@" + locked.Addr() + "/99", nil, "another database"},
		{"TLS, not trusted", "rediss://:hidden@" + secured, nil, "broker.ca"},
		{"TLS, another name", otherName, trust, "other names"},
		{"an authority without TLS", "redis://:hidden@" + locked.Addr(), trust, "rediss://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			n, err := tryStartNode(t, c.url, func(o *Options) {
				if c.change != nil {
					c.change(o)
				}
				o.Log = slog.New(slog.NewTextHandler(&log, nil))
			})
			if err == nil {
				err = waitForLink(t, n)
			}
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want == "":
				wantWorkingLink(t, n)
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("error %v, want %q", err, c.want)
			}
			n.close()
			text := log.String()
			if strings.Contains(text, "hidden") || err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the password is in %v or %s", err, text)
			} else if c.want != "" && n.Broker != nil && !strings.Contains(text, c.want) {
				t.Errorf("the log does not say why: %s", text)
			}
		})
	}
}

// waitForLink waits for the link. It fails if a lasting error does not end the wait.
func waitForLink(t *testing.T, n *node) error {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := n.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		t.Error("a lasting error was retried:", err)
	}
	return err
}

// wantWorkingLink fails unless a node can subscribe, publish, read a history and receive its own messages.
func wantWorkingLink(t *testing.T, n *node) {
	topic := historyRoom("x")
	n.Subscribe(topic)
	n.waitSubscribed(topic)
	if got := n.PublishAndWait(t.Context(), topic, Message{Frame: textFrame("hi")}); got.Sockets != 1 || got.Partial {
		t.Errorf("receipt %+v", got)
	}
	if _, _, ok, err := n.Since(t.Context(), topic, n.lastPosition("x").Epoch, 0); !ok || err != nil {
		t.Error("history:", ok, err)
	}
	eventually(t, "it receives its own messages", func() bool { return n.lastEcho.Load() > 0 })
}

// newCertificate writes cert.pem and key.pem for 127.0.0.1, and returns a pool that trusts them.
func newCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		text := pem.EncodeToMemory(block)
		if name == "cert.pem" {
			roots.AppendCertsFromPEM(text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return roots
}

// TestBadAddress: a wrong URL is refused without its password in the error.
func TestBadAddress(t *testing.T) {
	for _, url := range []string{"", "redis://:secret@%zz", "http://x"} {
		b, err := New(Options{URL: url, Node: "a"})
		if err == nil {
			_ = b.Close(context.Background())
			t.Errorf("%q: no error", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in: %v", err)
		}
	}
}
