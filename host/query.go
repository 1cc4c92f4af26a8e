package host

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// defaultPage is the number of items of a page without a limit.
const defaultPage = 100

// RoomInfo describes a room.
type RoomInfo struct {
	Name    string `json:"name"`
	Sockets int    `json:"sockets"` // connections in the room
	Users   int    `json:"users"`   // present users, those within the presence grace included
}

// ConnInfo describes a connection.
type ConnInfo struct {
	ID          string    `json:"id"` // NODE.NUMBER
	Route       string    `json:"route"`
	User        string    `json:"user,omitempty"`
	RemoteAddr  string    `json:"remote_addr"`
	Rooms       int       `json:"rooms"` // number of its rooms
	Since       time.Time `json:"since"`
	Subprotocol string    `json:"subprotocol,omitempty"`
	QueuedBytes int       `json:"queued_bytes"` // that wait to be sent
}

// Node returns the name of this node: Options.Node, or the one that was made for it.
func (h *Host) Node() string { return h.node }

// Rooms lists the rooms of a route that have members, or users within the presence
// grace, sorted by name. The list comes in pages: a page has at most limit rooms, 100 if
// limit is 0, whose names sort after the name after, the last one of the page before. A
// page with fewer rooms is the last. A room that exists all the time is listed once.
//
// route is the path of a route in Options.Routes, as in all methods that take a route.
// Errors wrap [ErrUnknownRoute], and [abi.Invalid] for an invalid name.
func (h *Host) Rooms(_ context.Context, route, after string, limit int) ([]RoomInfo, error) {
	rt, err := h.route(route)
	if err != nil {
		return nil, err
	}
	all := rt.hub.RoomNames()
	if h.broker != nil {
		all = slices.AppendSeq(all, maps.Keys(h.broker.Rooms(route)))
		slices.Sort(all)
		all = slices.Compact(all)
	}
	names := page(all, after, limit, cmp.Compare[string])
	rooms := make([]RoomInfo, len(names))
	for i, n := range names {
		rooms[i] = rt.room(n)
	}
	return rooms, nil
}

// Room describes a room. A room without members and users has zeros. Errors are those of
// [Host.Rooms].
func (h *Host) Room(_ context.Context, route, room string) (RoomInfo, error) {
	rt, err := h.route(route, room)
	if err != nil {
		return RoomInfo{}, err
	}
	return rt.room(room), nil
}

func (rt *routeRuntime) room(name string) RoomInfo {
	sockets, users := rt.hub.Count(name)
	if rt.host.broker != nil {
		sockets, users = sockets+rt.remoteSize(name), len(rt.presentIn(name))
	}
	return RoomInfo{Name: name, Sockets: sockets, Users: users}
}

// Members lists the connections of this node in a room, the oldest first, in pages as
// [Host.Rooms] does: after is the ID of the last connection of the page before.
func (h *Host) Members(_ context.Context, route, room, after string, limit int) ([]ConnInfo, error) {
	rt, err := h.route(route, room)
	if err != nil {
		return nil, err
	}
	return h.describeConns(rt.hub.RoomMemberIDs(room), after, limit, rt)
}

// Presence lists the users who are present in a room, sorted: those with a connection,
// and those within the presence grace. An empty room stands for the route. Errors are
// those of [Host.Rooms].
func (h *Host) Presence(_ context.Context, route, room string) ([]string, error) {
	var names []string
	if room != "" {
		names = append(names, room)
	}
	rt, err := h.route(route, names...)
	if err != nil {
		return nil, err
	}
	return rt.presentIn(room), nil
}

// Online reports whether a user is present on a route. Errors are those of [Host.Rooms].
func (h *Host) Online(_ context.Context, route, user string) (bool, error) {
	rt, err := h.route(route, user)
	if err != nil {
		return false, err
	}
	return rt.hub.Online(user) || rt.isRemote("", user), nil
}

// Connections lists the connections of this node on a route, in pages as [Host.Members]
// does. An empty route stands for all routes.
func (h *Host) Connections(_ context.Context, route, after string, limit int) ([]ConnInfo, error) {
	routes, err := h.routesOf(route)
	if err != nil {
		return nil, err
	}
	var ids []uint64
	for _, rt := range routes {
		ids = append(ids, rt.hub.MemberIDs()...)
	}
	return h.describeConns(ids, after, limit, routes...)
}

// describeConns describes the connections that sort after the one after, at most limit.
// It skips connections that have ended, so that only the last page is short.
func (h *Host) describeConns(ids []uint64, after string, limit int, routes ...*routeRuntime) ([]ConnInfo, error) {
	var last ConnID
	if after != "" {
		var err error
		if _, last, err = parseClusterConnID(after); err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	list := []ConnInfo{}
	for _, id := range page(ids, last, len(ids), cmp.Compare[uint64]) {
		if len(list) == pageSize(limit) {
			break
		}
		for _, rt := range routes {
			if m := rt.hub.Member(id); m != nil {
				list = append(list, rt.describe(m))
				break
			}
		}
	}
	return list, nil
}

func (rt *routeRuntime) describe(m *hub.Member) ConnInfo {
	c := m.Sink().(*conn)
	return ConnInfo{
		ID: c.id(), Route: rt.pattern, User: rt.hub.User(m), RemoteAddr: c.remote, Rooms: len(rt.hub.RoomsOf(m)),
		Since: time.Unix(0, c.since).UTC(), Subprotocol: c.subprotocol, QueuedBytes: c.sock.Queued(),
	}
}

// page returns at most limit of the sorted items, those after one.
func page[T any](items []T, after T, limit int, compare func(a, b T) int) []T {
	from, found := slices.BinarySearchFunc(items, after, compare)
	if found {
		from++
	}
	return items[from:min(len(items), from+pageSize(limit))]
}

// pageSize returns limit, or its default.
func pageSize(limit int) int { return cmp.Or(max(limit, 0), defaultPage) }
