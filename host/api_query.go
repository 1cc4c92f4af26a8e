package host

import (
	"cmp"
	"context"
	"net/http"
)

func (a *api) rooms(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := queryPage(r)
	if err != nil {
		return nil, err
	}
	rooms, err := a.host.Rooms(ctx, r.URL.Query().Get("route"), after, limit+1)
	return pageOf(rooms, limit, func(i RoomInfo) string { return i.Name }), err
}

func (a *api) room(ctx context.Context, r *http.Request) (any, error) {
	return a.host.Room(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("room"))
}

func (a *api) members(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := queryPage(r)
	if err != nil {
		return nil, err
	}
	conns, err := a.host.Members(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("room"), after, limit+1)
	return pageOf(conns, limit, func(c ConnInfo) string { return c.ID }), err
}

// presence lists users: those of the channel where no room is named.
func (a *api) presence(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := queryPage(r)
	if err != nil {
		return nil, err
	}
	if q := r.URL.Query(); q.Has("room") && q.Get("room") == "" {
		return nil, badRequest("room: leave it out for the whole channel")
	}
	users, err := a.host.Presence(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("room"))
	return pageOf(page(users, after, limit+1, cmp.Compare[string]), limit, func(u string) string { return u }), err
}

func (a *api) online(ctx context.Context, r *http.Request) (any, error) {
	on, err := a.host.Online(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("user"))
	return struct {
		Online bool `json:"online"`
	}{on}, err
}

func (a *api) connections(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := queryPage(r)
	if err != nil {
		return nil, err
	}
	if q := r.URL.Query(); q.Has("route") && q.Get("route") == "" {
		return nil, badRequest("route: leave it out for every route")
	}
	conns, err := a.host.Connections(ctx, r.URL.Query().Get("route"), after, limit+1)
	return pageOf(conns, limit, func(c ConnInfo) string { return c.ID }), err
}

func (a *api) routes(context.Context, *http.Request) (any, error) {
	return listed[RouteInfo]{Items: append([]RouteInfo{}, a.host.Routes()...)}, nil
}

// NodeInfo describes a node.
type NodeInfo struct {
	Node        string `json:"node"`
	Version     string `json:"version"`
	Routes      int    `json:"routes"`
	Connections int    `json:"connections"`
}

func (a *api) node(context.Context, *http.Request) (any, error) {
	n := NodeInfo{Node: a.host.Node(), Version: Version()}
	for _, rt := range a.host.runtimes() {
		n.Routes++
		n.Connections += rt.hub.Len()
	}
	return n, nil
}
