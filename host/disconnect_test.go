package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// TestDisconnect checks which connections Disconnect closes, in which order with messages, and the errors of invalid
// requests.
func TestDisconnect(t *testing.T) {
	h, url := serve(t, host.Options{Node: "here", Routes: []host.Route{
		{Path: "/c", Channel: scriptInGo(), PresenceGrace: -1}, echoRoute(),
	}})
	ann, ann2 := dialDo(t, url+"/c", "identify ann;send in"), dialDo(t, url+"/c", "identify ann;send in")
	bob := dialDo(t, url+"/c", "identify bob;send in")
	want(t, ann, "in")
	want(t, ann2, "in")
	want(t, bob, "in")
	conns, err := h.Connections(t.Context(), "", "", 0)
	if err != nil || len(conns) != 3 || conns[2].User != "bob" || !strings.HasPrefix(conns[2].ID, "here.") {
		t.Fatal(conns, err)
	}
	for name, tc := range map[string]struct {
		host.Disconnection
		want    error
		sockets int
	}{
		"no target":    {host.Disconnection{}, abi.Invalid, 0},
		"two targets":  {host.Disconnection{Conn: "here.1", User: "ann"}, abi.Invalid, 0},
		"id":           {host.Disconnection{Conn: "here"}, abi.Invalid, 0},
		"id with sign": {host.Disconnection{Conn: "here.+1"}, abi.Invalid, 0},
		"code":         {host.Disconnection{User: "ann", Code: 1006}, abi.Invalid, 0},
		"reason":       {host.Disconnection{User: "ann", Reason: strings.Repeat("x", 124)}, abi.Invalid, 0},
		"route":        {host.Disconnection{Route: "/x", User: "ann"}, host.ErrUnknownRoute, 0},
		"other route":  {host.Disconnection{Route: "/echo", User: "ann"}, nil, 0},
		"other node":   {host.Disconnection{Conn: "there.1"}, nil, 0},
		"unknown user": {host.Disconnection{User: "eve"}, nil, 0},
	} {
		d, err := h.Disconnect(t.Context(), tc.Disconnection)
		if !errors.Is(err, tc.want) || d.Sockets != tc.sockets {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	publish(t, h, host.Publication{Route: "/c", All: true, Data: []byte("before")}, 3)
	d, err := h.Disconnect(t.Context(), host.Disconnection{User: "ann", Code: 4001, Reason: "bye"})
	if err != nil || d != (host.Delivery{Sockets: 2, Nodes: 1}) {
		t.Error(d, err)
	}
	d, err = h.Disconnect(context.Background(), host.Disconnection{Route: "/c", Conn: conns[2].ID})
	if err != nil || d.Sockets != 1 {
		t.Error(d, err)
	}
	want(t, ann, "before")
	wantClose(t, ann, 4001, "bye")
	want(t, ann2, "before")
	wantClose(t, ann2, 4001, "bye")
	want(t, bob, "before")
	wantClose(t, bob, 1008, "")
}
