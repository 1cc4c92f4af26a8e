package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// StartSentinel starts a master, its replica and a sentinel that decides alone. It returns the master
// and the URL for clients.
func StartSentinel(t testing.TB) (master *Server, url string) {
	t.Helper()
	master = Start(t)
	replica := Start(t, "--replicaof", "127.0.0.1 "+master.port)
	// A sentinel requires a configuration file that it can write to.
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor mine 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds mine 500\n"+
		"sentinel failover-timeout mine 2000\n", master.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := &Server{t: t, dir: t.TempDir(), port: freePort(t), sentinel: file}
	sentinel.Start()
	t.Cleanup(sentinel.Kill)
	c := sentinel.Client()
	sentinel.await("the sentinel knows the replica, whose link is up", func() bool {
		m, err := sentinel.do(c, "SENTINEL", "REPLICAS", "mine")
		if err != nil {
			return false
		}
		all, _ := m.ToArray()
		if len(all) != 1 {
			return false
		}
		fields, err := all[0].AsStrMap()
		return err == nil && fields["port"] == replica.port && fields["master-link-status"] == "ok"
	})
	return master, "redis://" + sentinel.Addr() + "?master_set=mine"
}
