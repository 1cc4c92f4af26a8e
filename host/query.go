package host

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// What the program around the host asks about rooms, users and connections, and
// with it the HTTP API and the CLI. A route is a path as Options.Routes has it; the
// errors wrap ErrUnknownRoute, and abi.Invalid for names that can not be.
//
// Lists that may be long come in pages: at most limit items (0: 100) that come
// behind after, which is the last item of the page before; a page with fewer is the
// last. What comes and goes meanwhile may be missed; what stays is listed once.

// defaultPage is how many items a page has if nobody says so.
const defaultPage = 100

// RoomInfo describes a room.
type RoomInfo struct {
	Name    string `json:"name"`
	Sockets int    `json:"sockets"` // connections in it
	Users   int    `json:"users"`   // who are present, those in their grace included
}

// ConnInfo describes a connection.
type ConnInfo struct {
	ID          string    `json:"id"` // for Disconnect: NODE.NUMBER
	Route       string    `json:"route"`
	User        string    `json:"user,omitempty"`
	RemoteAddr  string    `json:"remote_addr"`
	Rooms       int       `json:"rooms"` // how many it is in
	Since       time.Time `json:"since"`
	Subprotocol string    `json:"subprotocol,omitempty"`
	QueuedBytes int       `json:"queued_bytes"` // that wait to be written to it
}

// Node is the name of this node: Options.Node, or what was made up for it.
func (h *Host) Node() string { return h.node }

// Rooms lists the rooms of a route that have members, or users within the
// grace, by name.
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

// Room describes a room. One that nobody is in has 0 of everything.
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

// Members lists the connections in a room that are on this node, oldest first.
func (h *Host) Members(_ context.Context, route, room, after string, limit int) ([]ConnInfo, error) {
	rt, err := h.route(route, room)
	if err != nil {
		return nil, err
	}
	return h.describeConns(rt.hub.RoomMemberIDs(room), after, limit, rt)
}

// Presence lists the users who are present in a room, or for an empty one in
// the channel, sorted: those who have a connection, or had one within the grace.
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

// Online says whether a user is present on a route.
func (h *Host) Online(_ context.Context, route, user string) (bool, error) {
	rt, err := h.route(route, user)
	if err != nil {
		return false, err
	}
	return rt.hub.Online(user) || rt.isRemote("", user), nil
}

// Connections lists the connections to this node of a route, or for an empty one of
// all, oldest first.
func (h *Host) Connections(_ context.Context, route, after string, limit int) ([]ConnInfo, error) {
	channels, err := h.routesOf(route)
	if err != nil {
		return nil, err
	}
	var ids []uint64
	for _, rt := range channels {
		ids = append(ids, rt.hub.MemberIDs()...)
	}
	return h.describeConns(ids, after, limit, channels...)
}

// describeConns describes the first of ids behind after, at most limit. Those that have
// gone since they were listed make no page short: one that is was the last.
func (h *Host) describeConns(ids []uint64, after string, limit int, channels ...*routeRuntime) ([]ConnInfo, error) {
	var last uint64
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
		for _, rt := range channels {
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

// page gives at most limit of the sorted items, behind after.
func page[T any](items []T, after T, limit int, compare func(a, b T) int) []T {
	from, found := slices.BinarySearchFunc(items, after, compare)
	if found {
		from++
	}
	return items[from:min(len(items), from+pageSize(limit))]
}

// pageSize is limit with its default.
func pageSize(limit int) int { return cmp.Or(max(limit, 0), defaultPage) }
