package host_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

func TestPublish(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.PresenceGrace = -1
		h, url := serve(t, host.Options{Routes: []host.Route{r, echoRoute()}})
		ann, bob := dialDo(t, url+"/c", "i ann;j room;s in"), dialDo(t, url+"/c", "i bob;s in")
		want(t, ann, "in")
		want(t, bob, "in")
		for _, err := range []error{
			h.Broadcast("/c", "room", abi.Text, []byte("to the room")),
			h.BroadcastAll("/c", abi.Text, []byte("to all")),
			h.SendUser("/c", "bob", abi.Text, []byte("to bob")),
			h.SendUsers("/c", []string{"ann", "bob", "nobody"}, abi.Text, []byte("to both")),
			h.Broadcast("/c", "empty", abi.Text, []byte("to nobody")),
			h.BroadcastAll("/echo", abi.Text, []byte("to nobody")),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		for _, m := range []string{"to the room", "to all", "to both"} {
			want(t, ann, m)
		}
		for _, m := range []string{"to all", "to bob", "to both"} {
			want(t, bob, m)
		}
		on, err := h.Online("/c", "ann")
		off, err2 := h.Online("/c", "eve")
		n, err3 := h.RoomSize("/c", "room")
		users, err4 := h.Users("/c")
		if !on || off || n != 1 || !slices.Equal(users, []string{"ann", "bob"}) || errors.Join(err, err2, err3, err4) != nil {
			t.Error(on, off, n, users, err, err2, err3, err4)
		}
	})
}

func TestPublishRefuses(t *testing.T) {
	r := echoRoute()
	r.Limits.HookBytes = 100
	h, _ := serve(t, host.Options{Routes: []host.Route{r, {Path: "/c", Channel: scriptInGo()}}})
	for name, tc := range map[string]struct{ err, want error }{
		"kind":     {h.BroadcastAll("/echo", 3, nil), abi.Invalid},
		"utf-8":    {h.BroadcastAll("/echo", abi.Text, []byte("\xff")), abi.Invalid},
		"room":     {h.Broadcast("/echo", "", abi.Text, nil), abi.Invalid},
		"user":     {h.SendUsers("/echo", []string{"a", "b\n"}, abi.Text, nil), abi.Invalid},
		"too much": {h.BroadcastAll("/echo", abi.Binary, make([]byte, 101)), abi.Limit},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
	_, err1 := h.Online("/nowhere", "a")
	_, err2 := h.RoomSize("/nowhere", "a")
	_, err3 := h.Users("/nowhere")
	for _, err := range []error{err1, err2, err3, h.BroadcastAll("/nowhere", abi.Text, nil), h.SendUser("/nowhere", "a", abi.Text, nil)} {
		if !errors.Is(err, host.ErrUnknownRoute) || !strings.Contains(err.Error(), "/echo, /c") {
			t.Error(err)
		}
	}
}
