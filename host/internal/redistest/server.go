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

// patience limits the time that servers may take to start and to find each other.
const patience = 20 * time.Second

// Server is a redis-server process, which ends with the test.
type Server struct {
	t        testing.TB
	dir      string
	port     string
	args     []string
	sentinel string // configuration file of a sentinel; empty: a server
	cmd      *exec.Cmd
	done     chan struct{} // closed when the process has ended
}

// Start starts a server that writes each command to disk before it acknowledges it. args are
// arguments of redis-server, for example "--requirepass", "secret". The test is skipped if
// redis-server is not installed.
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

// StartTLS starts a server that also accepts TLS, with the PEM files of a certificate and its key. It
// returns the address for TLS.
func StartTLS(t testing.TB, cert, key string) (addr string) {
	t.Helper()
	port := freePort(t)
	Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	return "127.0.0.1:" + port
}

// freePort returns a TCP port that nothing listens on.
func freePort(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// Start starts a killed server again, with its data on disk.
func (s *Server) Start() {
	s.t.Helper()
	args := []string{"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir}
	if s.sentinel != "" {
		args = append([]string{s.sentinel, "--sentinel"}, args...)
	} else {
		args = append(args, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
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
	s.await("Redis answers", s.answers)
}

// answers reports whether the server answers a PING, if only with an error.
func (s *Server) answers() bool {
	c, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(c, "PING\r\n")
	var b [1]byte
	_, err = c.Read(b[:])
	return err == nil
}

// await waits until ok returns true.
func (s *Server) await(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("not within %v: %s\n%s", patience, what, log)
		}
	}
}

// Addr returns host and port.
func (s *Server) Addr() string { return "127.0.0.1:" + s.port }

// URL returns the redis:// URL of the server.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Kill kills the process and waits for its end.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // fails if the process has ended
	<-s.done
}

// Signal sends a signal to the process.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Client returns a client of this server alone, which closes with the test.
func (s *Server) Client() rueidis.Client {
	s.t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{s.Addr()}, DisableCache: true, ForceSingleClient: true,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// do runs a command with a timeout of 1 s.
func (s *Server) do(c rueidis.Client, args ...string) (rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.Do(ctx, c.B().Arbitrary(args...).Build()).ToMessage()
}
