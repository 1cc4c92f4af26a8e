package host_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestCheckIsNoNode: to look for mistakes is not to join the cluster, where the
// node that is looked at may be at work under the same name.
func TestCheckIsNoNode(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan net.Addr, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case came <- c.RemoteAddr():
			default:
			}
			c.Close()
		}
	}()
	defer func() {
		ln.Close()
		<-done
	}()
	o := host.Options{Node: "one", Routes: []host.Route{storeRoute()}, Broker: host.Broker{URL: "redis://" + ln.Addr().String(), Required: true}}
	if err := host.Check(context.Background(), o); err != nil {
		t.Error(err)
	}
	select {
	case addr := <-came:
		t.Errorf("it connected to Redis, from %s", addr)
	default:
	}
	o.Broker.URL = "http://localhost"
	if err := host.Check(context.Background(), o); err == nil || !strings.Contains(err.Error(), "redis://") {
		t.Errorf("a wrong address: %v", err)
	}
}
