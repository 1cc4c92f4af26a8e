package broker

import (
	"maps"
	"slices"
)

// Sockets returns the number of sockets that the other nodes have in a room.
func (b *Broker) Sockets(route, room string) int {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	if r := b.peers.rooms[roomKey{route, room}]; r != nil {
		return r.sockets
	}
	return 0
}

// Users returns the users who are present in a room on other nodes, in no order. An empty room stands
// for the route.
func (b *Broker) Users(route, room string) []string {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	if r := b.peers.rooms[roomKey{route, room}]; r != nil {
		return slices.Collect(maps.Keys(r.users))
	}
	return nil
}

// Online reports whether a user is present in a room on another node.
func (b *Broker) Online(route, room, user string) bool {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	r := b.peers.rooms[roomKey{route, room}]
	return r != nil && r.users[user] > 0
}

// Rooms returns the rooms that other nodes have on a route, with the number of their sockets there.
// The number is 0 while the users of a room are present only in their grace period.
func (b *Broker) Rooms(route string) map[string]int {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	out := map[string]int{}
	for k, r := range b.peers.rooms {
		if k.route == route && k.room != "" {
			out[k.room] = r.sockets
		}
	}
	return out
}

// Nodes returns the names of the other nodes, sorted.
func (b *Broker) Nodes() []string {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	return slices.Sorted(maps.Keys(b.peers.nodes))
}

func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.nodes)
}

// countSubscribers returns the number of nodes that have members of a topic, this one included.
func (b *Broker) countSubscribers(tp *topic) (n int) {
	key := stateKey{roomKey: roomKey{tp.Route, tp.Name}}
	if tp.Kind == User {
		key = stateKey{roomKey{tp.Route, ""}, tp.Name}
	}
	b.mu.Lock()
	if tp.subscriptions > 0 {
		n++
	}
	b.mu.Unlock()
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	for _, other := range b.peers.nodes {
		if _, ok := other.state[key]; ok || tp.Kind == Route {
			n++
		}
	}
	return n
}
