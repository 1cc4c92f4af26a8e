package redistest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

// Cluster is a Redis Cluster. The servers are the masters, each followed by its replica,
// if they have some.
type Cluster struct{ Servers []*Server }

// StartCluster starts a cluster of so many masters, each with a replica or without.
func StartCluster(t testing.TB, masters int, replicas bool) *Cluster {
	t.Helper()
	each := 1
	if replicas {
		each = 2
	}
	c := &Cluster{}
	var clients []rueidis.Client
	for range masters * each {
		// A port for the servers among each other: by default it is too large for ours.
		s := Start(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-node-timeout", "700", "--appendfsync", "everysec")
		c.Servers = append(c.Servers, s)
		clients = append(clients, s.Client())
	}
	do := func(i int, args ...string) string {
		t.Helper()
		m, err := c.Servers[i].do(clients[i], args...)
		if err != nil {
			t.Fatal(args, err)
		}
		text, _ := m.ToString()
		return text
	}
	for m := range masters {
		do(m*each, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(16384*m/masters), strconv.Itoa(16384*(m+1)/masters-1))
	}
	for i, s := range c.Servers {
		bus, err := c.Servers[i].do(clients[i], "CONFIG", "GET", "cluster-port")
		if err != nil {
			t.Fatal(err)
		}
		do(i, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		port, _ := bus.AsStrMap()
		do(0, "CLUSTER", "MEET", "127.0.0.1", s.port, port["cluster-port"])
	}
	for i, s := range c.Servers {
		s.await("all know all", func() bool {
			return strings.Contains(do(i, "CLUSTER", "INFO"), "cluster_known_nodes:"+strconv.Itoa(len(c.Servers)))
		})
		if i%each == 1 {
			do(i, "CLUSTER", "REPLICATE", do(i-1, "CLUSTER", "MYID"))
		}
	}
	for i, s := range c.Servers {
		s.await("the cluster is whole", func() bool {
			if replicas && i%each == 1 && !strings.Contains(do(i, "INFO", "replication"), "master_link_status:up") {
				return false
			}
			// Each has to know of the replicas, too, so that one can vote.
			return strings.Contains(do(i, "CLUSTER", "INFO"), "cluster_state:ok") && strings.Count(do(i, "CLUSTER", "NODES"), "slave") == len(c.Servers)-masters
		})
	}
	return c
}

// URL names all servers.
func (c *Cluster) URL() string {
	url := c.Servers[0].URL()
	for i, s := range c.Servers[1:] {
		url += map[bool]string{true: "?", false: "&"}[i == 0] + "addr=" + s.Addr()
	}
	return url
}
