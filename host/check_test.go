package host_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestCheck checks that Check returns an error that names every mistake in the options.
func TestCheck(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.wasm")
	err := host.Check(t.Context(), host.Options{Routes: []host.Route{
		{Path: "no-slash", Channel: scriptInGo()},
		{Path: "/both", Channel: scriptInGo(), Plugin: scriptGuest},
		{Path: "/none"},
		{
			Path: "/odd", Channel: scriptInGo(), Instances: "room", Metering: "m", SlowReader: "s", OnFault: "f",
			Limits: host.Limits{Timers: -1},
		},
		{Path: "/missing", Plugin: missing},
		{Path: "/json", Plugin: scriptGuest, Config: map[string]any{"f": func() {}}},
		{Path: "/x/:a", Channel: scriptInGo()}, {Path: "/:b/y", Channel: scriptInGo()},
		{Path: "/fine", Plugin: scriptGuest},
	}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, s := range []string{
		"no-slash", "/both", "/none", "/odd", "instances", "metering", "slow_reader", "on_fault", "Timers", missing,
		"/json", "/x/:a", "/:b/y",
	} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q is not named in:\n%v", s, err)
		}
	}
	if strings.Contains(err.Error(), "/fine") {
		t.Error(err)
	}
	for name, o := range map[string]host.Options{
		"MaxConnections":           {MaxConnections: -1},
		"MaxConnectionsPerAddress": {MaxConnectionsPerAddress: -2},
		"HandshakeTimeout":         {HandshakeTimeout: -1},
		"nowhere":                  {TrustedProxies: []string{"nowhere"}},
	} {
		o.Routes = []host.Route{{Path: "no-slash", Channel: scriptInGo()}}
		err := host.Check(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "no-slash") {
			t.Errorf("%s: %v", name, err)
		}
	}
	fine := host.Options{Routes: []host.Route{{Path: "/fine", Plugin: scriptGuest}}}
	if err := host.Check(t.Context(), fine); err != nil {
		t.Error(err)
	}
}

// TestCheckWithoutBroker checks that Check does not connect to the broker. A node with the same name may be running.
func TestCheckWithoutBroker(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan net.Addr, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case connected <- c.RemoteAddr():
			default:
			}
			c.Close()
		}
	}()
	defer func() {
		ln.Close()
		<-done
	}()
	o := host.Options{
		Node:   "one",
		Routes: []host.Route{storeRoute()},
		Broker: host.Broker{URL: "redis://" + ln.Addr().String(), Required: true},
	}
	if err := host.Check(context.Background(), o); err != nil {
		t.Error(err)
	}
	select {
	case addr := <-connected:
		t.Errorf("Check connected to Redis, from %s", addr)
	default:
	}
	o.Broker.URL = "http://localhost"
	if err := host.Check(context.Background(), o); err == nil || !strings.Contains(err.Error(), "redis://") {
		t.Errorf("a wrong address: %v", err)
	}
}
