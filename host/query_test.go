package host_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
)

// TestQueries checks the methods that list rooms, members, connections and users, and their errors.
func TestQueries(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}, echoRoute()}})
	begun := time.Now()
	ann, bob := dialDo(t, url+"/c", "identify ann;join a;join b;send in"), dialDo(t, url+"/c", "join b;send in")
	want(t, ann, "in")
	want(t, bob, "in")
	ctx := t.Context()
	rooms, err := h.Rooms(ctx, "/c", "", 0)
	if err != nil || !slices.Equal(rooms, []host.RoomInfo{{"a", 1, 1}, {"b", 2, 1}}) {
		t.Error(rooms, err)
	}
	room, err := h.Room(ctx, "/c", "b")
	none, err2 := h.Room(ctx, "/c", "none")
	if room != (host.RoomInfo{"b", 2, 1}) || none != (host.RoomInfo{Name: "none"}) || errors.Join(err, err2) != nil {
		t.Error(room, none, err, err2)
	}
	on, err := h.Online(ctx, "/c", "ann")
	off, err2 := h.Online(ctx, "/c", "eve")
	users, err3 := h.Presence(ctx, "/c", "")
	inB, err4 := h.Presence(ctx, "/c", "b")
	err = errors.Join(err, err2, err3, err4)
	if !on || off || !slices.Equal(users, []string{"ann"}) || !slices.Equal(inB, users) || err != nil {
		t.Error(on, off, users, inB, err)
	}
	members, err := h.Members(ctx, "/c", "a", "", 0)
	if err != nil || len(members) != 1 {
		t.Fatal(members, err)
	}
	m := members[0]
	if m.User != "ann" || m.Route != "/c" || m.Rooms != 2 || m.RemoteAddr != "127.0.0.1" ||
		m.Since.Before(begun) || !strings.HasPrefix(m.ID, h.Node()+".") {
		t.Errorf("%+v", m)
	}
	for name, err := range map[string]error{
		"rooms":  second(h.Rooms(ctx, "/x", "", 0)),
		"room":   second(h.Room(ctx, "/x", "a")),
		"online": second(h.Online(ctx, "/x", "a")),
		"users":  second(h.Presence(ctx, "/x", "")),
		"conns":  second(h.Connections(ctx, "/x", "", 0)),
		"in":     second(h.Members(ctx, "/x", "a", "", 0)),
	} {
		if !errors.Is(err, host.ErrUnknownRoute) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"room":   second(h.Room(ctx, "/c", "")),
		"online": second(h.Online(ctx, "/c", "\n")),
		"users":  second(h.Presence(ctx, "/c", "\n")),
		"in":     second(h.Members(ctx, "/c", "", "", 0)),
		"after":  second(h.Members(ctx, "/c", "a", "7", 0)),
	} {
		if !errors.Is(err, abi.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// second returns the error of a call with two results.
func second[T any](_ T, err error) error { return err }

// TestPages checks that pages list everything that stays connected once.
func TestPages(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}, echoRoute()}})
	for i := range 7 {
		want(t, dialDo(t, url+"/c", fmt.Sprintf("join all;join r%d;send in", i)), "in")
	}
	dial(t, url+"/echo")
	eventually(t, "echo", func() bool {
		conns, err := h.Connections(t.Context(), "/echo", "", 0)
		return err == nil && len(conns) == 1
	})
	for what, all := range map[string]struct {
		n    int
		next func(after string) ([]string, error)
	}{
		"rooms": {8, func(after string) (names []string, err error) {
			rooms, err := h.Rooms(t.Context(), "/c", after, 3)
			for _, r := range rooms {
				names = append(names, r.Name)
			}
			return names, err
		}},
		"members": {7, func(after string) ([]string, error) {
			return ids(h.Members(t.Context(), "/c", "all", after, 3))
		}},
		"connections": {8, func(after string) ([]string, error) {
			return ids(h.Connections(t.Context(), "", after, 3))
		}},
	} {
		seen, after, pages := map[string]bool{}, "", 0
		for {
			got, err := all.next(after)
			if err != nil {
				t.Fatal(what, err)
			}
			if len(got) == 0 {
				break
			}
			pages++
			after = got[len(got)-1]
			for _, g := range got {
				if seen[g] {
					t.Errorf("%s: %s is listed twice", what, g)
				}
				seen[g] = true
			}
		}
		if len(seen) != all.n || pages != 3 {
			t.Errorf("%s: %d in %d pages", what, len(seen), pages)
		}
	}
}

// TestPageAfterDisconnects checks that connections that end between listing and describing do not make a page short,
// because a short page is the last one.
func TestPageAfterDisconnects(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}}})
	var conns []*websocket.Conn
	for range 5 {
		c := dialDo(t, url+"/c", "send in")
		want(t, c, "in")
		conns = append(conns, c)
	}
	listed := []uint64{1, 2, 3, 4, 5}
	for _, c := range conns[1:3] {
		_ = c.Close(websocket.StatusNormalClosure, "")
	}
	eventually(t, "two are closed", func() bool {
		left, err := h.Connections(t.Context(), "/c", "", 0)
		return err == nil && len(left) == 3
	})
	for limit, n := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 0: 3} {
		got, err := ids(h.ConnectionsOf("/c", listed, limit))
		all := []string{h.Node() + ".1", h.Node() + ".4", h.Node() + ".5"}
		if err != nil || !slices.Equal(got, all[:n]) {
			t.Errorf("a page of %d: %v, %v", limit, got, err)
		}
	}
}

// ids returns the ids of connections.
func ids(conns []host.ConnInfo, err error) (list []string, _ error) {
	for _, c := range conns {
		list = append(list, c.ID)
	}
	return list, err
}
