package admin

import (
	"context"
	"net/http"

	"github.com/azuhost/azuhost/host"
)

func (s *Server) rooms(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := pageParams(r)
	if err != nil {
		return nil, err
	}
	rooms, err := s.host.Rooms(ctx, r.URL.Query().Get("route"), after, limit+1)
	return pageOf(rooms, limit, func(room host.RoomInfo) string { return room.Name }), err
}

func (s *Server) room(ctx context.Context, r *http.Request) (any, error) {
	return s.host.Room(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("room"))
}

func (s *Server) members(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := pageParams(r)
	if err != nil {
		return nil, err
	}
	conns, err := s.host.Members(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("room"), after, limit+1)
	return pageOf(conns, limit, connID), err
}

// presence lists the users who are present in a room, or on the whole route if no room is given.
func (s *Server) presence(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := pageParams(r)
	if err != nil {
		return nil, err
	}
	if err := checkNotEmpty(r, "room", "the whole route"); err != nil {
		return nil, err
	}
	users, err := s.host.Presence(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("room"))
	return pageOf(itemsAfter(users, after), limit, func(user string) string { return user }), err
}

func (s *Server) online(ctx context.Context, r *http.Request) (any, error) {
	online, err := s.host.Online(ctx, r.URL.Query().Get("route"), r.URL.Query().Get("user"))
	return struct {
		Online bool `json:"online"`
	}{online}, err
}

func (s *Server) connections(ctx context.Context, r *http.Request) (any, error) {
	after, limit, err := pageParams(r)
	if err != nil {
		return nil, err
	}
	if err := checkNotEmpty(r, "route", "every route"); err != nil {
		return nil, err
	}
	conns, err := s.host.Connections(ctx, r.URL.Query().Get("route"), after, limit+1)
	return pageOf(conns, limit, connID), err
}

func connID(c host.ConnInfo) string { return c.ID }

func (s *Server) routes(context.Context, *http.Request) (any, error) {
	return list[host.RouteInfo]{Items: append([]host.RouteInfo{}, s.host.Routes()...)}, nil
}

// nodeInfo describes the node that answers.
type nodeInfo struct {
	Node        string `json:"node"`
	Version     string `json:"version"`
	Routes      int    `json:"routes"`
	Connections int    `json:"connections"`
}

func (s *Server) node(context.Context, *http.Request) (any, error) {
	routes := s.host.Routes()
	info := nodeInfo{Node: s.host.Node(), Version: host.Version(), Routes: len(routes)}
	for _, r := range routes {
		info.Connections += r.Connections
	}
	return info, nil
}
