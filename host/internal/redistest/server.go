// Package redistest runs real Redis servers for tests, alone or as a cluster, and
// proxies that cut and slow the way to them.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// patience is how long a server may take to start.
const patience = 20 * time.Second

// Server is a redis-server of a test, which ends with the test.
type Server struct {
	t    testing.TB
	dir  string
	port string
	args []string
	// sentinel is the configuration, if it is one.
	sentinel string
	cmd      *exec.Cmd
	done     chan struct{} // closed when the process has ended
}

// Start starts a server that keeps on disk what it has acknowledged. More
// arguments are those of redis-server, as in "--requirepass", "secret". The
// test is skipped where there is no redis-server.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is missing: apt-get install redis-server")
	}
	s := &Server{t: t, dir: t.TempDir(), port: freePort(t), args: args}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// StartTLS starts a server that also takes TLS, with a certificate and key (PEM),
// and gives the address for that.
func StartTLS(t testing.TB, cert, key string) (addr string) {
	t.Helper()
	port := freePort(t)
	Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	return "127.0.0.1:" + port
}

func freePort(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// Start starts a server again that was killed, with what it had on disk.
func (s *Server) Start() {
	s.t.Helper()
	args := []string{"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}
	if s.sentinel != "" {
		args = []string{s.sentinel, "--sentinel", "--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir}
	}
	s.cmd = exec.Command("redis-server", append(args, s.args...)...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func(c *exec.Cmd, done chan struct{}) { // ends with the process
		_ = c.Wait()
		close(done)
	}(s.cmd, s.done)
	s.await("Redis answers", func() bool {
		c, err := net.DialTimeout("tcp", s.Addr(), time.Second)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		fmt.Fprint(c, "PING\r\n")
		var b [1]byte // PONG, that a password is needed, that TLS is; not that it is loading
		_, err = c.Read(b[:])
		return err == nil
	})
}

func (s *Server) await(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("not within %v: %s\n%s", patience, what, log)
		}
	}
}

// Addr is host and port.
func (s *Server) Addr() string { return "127.0.0.1:" + s.port }

// URL is redis:// and the address.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Kill ends the server at once.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// Signal sends a signal.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Client is a client of this server alone.
func (s *Server) Client() rueidis.Client {
	s.t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr()}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// do runs a command.
func (s *Server) do(c rueidis.Client, args ...string) (rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.Do(ctx, c.B().Arbitrary(args...).Build()).ToMessage()
}
