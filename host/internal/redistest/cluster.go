package redistest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

// Cluster is a Redis Cluster. Servers has the masters, each followed by its replica if it has one.
type Cluster struct {
	Servers []*Server

	clients   []rueidis.Client // of each server
	masters   int
	perMaster int // servers of each master, itself included
}

// StartCluster starts a Redis Cluster with a number of masters, each with a replica or without.
func StartCluster(t testing.TB, masters int, replicas bool) *Cluster {
	t.Helper()
	c := &Cluster{masters: masters, perMaster: 1}
	if replicas {
		c.perMaster = 2
	}
	for range masters * c.perMaster {
		// The default cluster port is above the range of valid ports.
		s := Start(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-node-timeout", "700",
			"--appendfsync", "everysec")
		c.Servers = append(c.Servers, s)
		c.clients = append(c.clients, s.Client())
	}
	c.assignSlots(t)
	c.join(t)
	for i, s := range c.Servers {
		s.await("the cluster is complete", func() bool { return c.complete(t, i) })
	}
	return c
}

// assignSlots divides the slots among the masters.
func (c *Cluster) assignSlots(t testing.TB) {
	t.Helper()
	for m := range c.masters {
		from, to := 16384*m/c.masters, 16384*(m+1)/c.masters-1
		c.do(t, m*c.perMaster, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to))
	}
}

// join makes the servers know each other, and the replicas follow their masters.
func (c *Cluster) join(t testing.TB) {
	t.Helper()
	for i, s := range c.Servers {
		config, err := s.do(c.clients[i], "CONFIG", "GET", "cluster-port")
		if err != nil {
			t.Fatal(err)
		}
		c.do(t, i, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		port, _ := config.AsStrMap()
		c.do(t, 0, "CLUSTER", "MEET", "127.0.0.1", s.port, port["cluster-port"])
	}
	for i, s := range c.Servers {
		s.await("all servers know each other", func() bool {
			info := c.do(t, i, "CLUSTER", "INFO")
			return strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(len(c.Servers)))
		})
		if c.isReplica(i) {
			c.do(t, i, "CLUSTER", "REPLICATE", c.do(t, i-1, "CLUSTER", "MYID"))
		}
	}
}

// complete reports whether a server sees the whole cluster, and has the data of its master if it is a
// replica. Masters have to know the replicas, too, or none could be elected.
func (c *Cluster) complete(t testing.TB, i int) bool {
	t.Helper()
	if c.isReplica(i) && !strings.Contains(c.do(t, i, "INFO", "replication"), "master_link_status:up") {
		return false
	}
	replicas := strings.Count(c.do(t, i, "CLUSTER", "NODES"), "slave")
	return strings.Contains(c.do(t, i, "CLUSTER", "INFO"), "cluster_state:ok") && replicas == len(c.Servers)-c.masters
}

func (c *Cluster) isReplica(i int) bool { return i%c.perMaster == 1 }

// do runs a command on a server and returns the answer as a text.
func (c *Cluster) do(t testing.TB, i int, args ...string) string {
	t.Helper()
	m, err := c.Servers[i].do(c.clients[i], args...)
	if err != nil {
		t.Fatal(args, err)
	}
	text, _ := m.ToString()
	return text
}

// URL returns a redis:// URL that names all servers.
func (c *Cluster) URL() string {
	url, separator := c.Servers[0].URL(), "?"
	for _, s := range c.Servers[1:] {
		url += separator + "addr=" + s.Addr()
		separator = "&"
	}
	return url
}
