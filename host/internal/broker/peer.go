package broker

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Change is a change of what a node has: with a user, whether it is present in
// a room (an empty one: on the route); without, how many sockets are in the room.
type Change struct {
	Route   string `json:"r"`
	Room    string `json:"m,omitempty"`
	User    string `json:"u,omitempty"`
	Present bool   `json:"h,omitempty"`
	Size    int    `json:"z,omitempty"`
	// Told: the node itself has told its plugin that the user left, since no other node
	// was known to have it. Else that is for another to do.
	Reported bool `json:"t,omitempty"`
}

// sane is a change that a node could have made.
func (c Change) normalize() Change {
	if c.User != "" {
		c.Size = 0
	} else {
		c.Present, c.Size = false, max(c.Size, 0)
	}
	return c
}

func (c Change) isEmpty() bool { return !c.Present && c.Size == 0 }

type roomKey struct{ route, room string }

type stateKey struct {
	roomKey
	user string
}

func (c Change) key() stateKey { return stateKey{roomKey{c.Route, c.Room}, c.User} }

// statePart is about how many entries of a state one message has.
const statePartSize = 1000

// peers is what this node knows of the others, and what it tells them.
type peers struct {
	b *Broker

	sendMu sync.Mutex // deltas and states go out in their order; outside of mu

	mu       sync.Mutex
	local    *localState
	seq      uint64
	nodes    map[string]*peer
	departed map[string]departure // nodes that have said goodbye
	rooms    map[roomKey]*remoteRoom
}

// peer is another node.
type peer struct {
	start       int64
	lastSeen    time.Time
	seq         uint64
	synced      bool      // its state is here, and nothing of it was missed
	requestedAt time.Time // for its state, or a part of that
	nextBucket  int       // the bucket that the next part of its state begins with; 0: none has come, or the last has
	generation  uint64    // of the state that came last
	state       map[stateKey]peerEntry
}

// ended is a node that has said goodbye: what that process says after it is void.
type departure struct {
	start int64
	at    time.Time
}

// held is a part of the state of a node, and of which state it is.
type peerEntry struct {
	Change
	generation uint64
}

// askAgain is how long a node may take to tell a part of its state.
const stateRetry = time.Second / 4

// merged is what all other nodes have of a room.
type remoteRoom struct {
	sockets int
	users   map[string]int // on how many nodes
}

func (p *peers) init(b *Broker) {
	p.b = b
	p.local, p.nodes, p.rooms = newLocalState(), map[string]*peer{}, map[roomKey]*remoteRoom{}
	p.departed = map[string]departure{}
}

func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.nodes)
}

// Announce tells the other nodes of changes.
func (b *Broker) Announce(changes []Change) {
	p := &b.peers
	p.sendMu.Lock()
	defer p.sendMu.Unlock()
	for part := range slices.Chunk(changes, statePartSize) {
		p.mu.Lock()
		for _, c := range part {
			p.local.set(c)
		}
		p.seq++
		m := clusterMessage{Kind: kindDelta, Seq: p.seq, Changes: part}
		p.mu.Unlock()
		b.sendClusterMessage(b.clusterChannel(), m)
	}
}

// say tells others where the own state is.
func (p *peers) send(channel string, m clusterMessage) {
	p.sendMu.Lock()
	defer p.sendMu.Unlock()
	p.mu.Lock()
	m.Seq = p.seq
	p.mu.Unlock()
	p.b.sendClusterMessage(channel, m)
}

// tellState sends a part of the own state to a node, as it is after the last delta.
func (p *peers) sendState(node string, from int) {
	p.sendMu.Lock()
	defer p.sendMu.Unlock()
	p.mu.Lock()
	m := clusterMessage{Kind: kindState, Seq: p.seq, FirstBucket: from}
	m.Changes, m.NextBucket = p.local.part(from)
	p.mu.Unlock()
	m.LastPart = m.NextBucket == 0
	p.b.sendClusterMessage(p.b.nodeChannel(node), m)
}

// event is what the host has to be told, without the lock.
type event struct {
	Change
	leader bool
}

// reaction is what is to be done about a message, without the lock.
type reaction struct {
	events        []event
	sendHeartbeat bool // say that this node is here
	requestState  bool // for a part of the state
	firstBucket   int
}

// control handles a message of another node.
func (p *peers) handle(m *clusterMessage) {
	p.mu.Lock()
	r := p.react(m)
	p.mu.Unlock()
	if r.sendHeartbeat {
		p.send(p.b.nodeChannel(m.Node), clusterMessage{Kind: kindHeartbeat})
	}
	if r.requestState {
		p.b.sendClusterMessage(p.b.nodeChannel(m.Node), clusterMessage{Kind: kindStateRequest, FirstBucket: r.firstBucket})
	}
	if m.Kind == kindStateRequest {
		p.sendState(m.Node, m.FirstBucket)
	}
	p.reportEvents(r.events)
}

func (p *peers) reportEvents(events []event) {
	for _, e := range events {
		p.b.opts.Presence(e.Change, e.leader)
	}
}

// take says what is to be done about a message; mu is held. A state is asked for part by part: a node
// that said all of it at once, and all nodes at the same time, would be too much for who comes.
func (p *peers) react(m *clusterMessage) (r reaction) {
	n, events := p.resolve(m)
	r.events = events
	if n == nil {
		return r
	}
	n.lastSeen = time.Now()
	switch m.Kind {
	case kindHello: // what it was asked for before may not have reached it
		r.sendHeartbeat, n.requestedAt = true, time.Time{}
		n.resyncUnless(m.Seq == n.seq)
	case kindHeartbeat:
		n.resyncUnless(m.Seq == n.seq)
	case kindDelta:
		if (n.synced || n.nextBucket > 0) && m.Seq == n.seq+1 {
			n.seq = m.Seq
			r.events = append(r.events, p.applyChanges(n, m.Changes)...)
		} else {
			n.resyncUnless(m.Seq <= n.seq)
		}
	case kindState:
		events, r.requestState = p.addStatePart(n, m)
		r.events = append(r.events, events...)
	}
	if r.requestState = r.requestState || !n.synced && time.Since(n.requestedAt) > stateRetry; r.requestState {
		n.requestedAt, r.firstBucket = time.Now(), n.nextBucket
	}
	return r
}

// hello says that the link of this node is new: what it asked for before does not come.
func (p *peers) sendHello() {
	p.mu.Lock()
	for _, n := range p.nodes {
		n.requestedAt = time.Time{}
	}
	p.mu.Unlock()
	p.send(p.b.clusterChannel(), clusterMessage{Kind: kindHello})
}

// follow says whether all that a node has told has come. If not, its state is needed, from
// the beginning.
func (n *peer) resyncUnless(all bool) {
	if !all {
		n.synced, n.nextBucket = false, 0
	}
}

// known finds the node that a message is of; mu is held. nil: there is none, or none any more.
// Of two processes of one name the one that started last is meant, and what the other still says is void.
func (p *peers) resolve(m *clusterMessage) (n *peer, events []event) {
	n = p.nodes[m.Node]
	switch {
	case m.Node == "" || n != nil && m.Start < n.start || p.departed[m.Node].start == m.Start && m.Start != 0:
		return nil, nil
	case m.Kind == kindLeave:
		p.departed[m.Node] = departure{m.Start, time.Now()}
		return nil, p.removePeer(m.Node)
	case n != nil && m.Start == n.start:
		return n, nil
	case n != nil:
		events = p.removePeer(m.Node)
	}
	n = &peer{start: m.Start, state: map[stateKey]peerEntry{}}
	p.nodes[m.Node] = n
	p.b.log.Info("broker: node", "is", "there", "name", m.Node)
	return n, events
}

// takeState takes a part of a node's state; mu is held. What changes between two parts comes
// as a delta, in its order. What no part has is void when all are here: until then nobody leaves who is named
// by a later one. more: the next part is to be asked for.
func (p *peers) addStatePart(n *peer, m *clusterMessage) (events []event, more bool) {
	switch {
	case m.FirstBucket == 0:
		n.generation++
		n.seq, n.synced = m.Seq, false
	case m.FirstBucket != n.nextBucket: // of a question that was repeated
		return nil, false
	default:
		n.resyncUnless(m.Seq == n.seq)
		if n.nextBucket == 0 {
			return nil, false
		}
	}
	n.nextBucket = 0
	events = p.applyChanges(n, m.Changes)
	if !m.LastPart {
		if more = m.NextBucket > m.FirstBucket; more {
			n.nextBucket = m.NextBucket
		}
		return events, more
	}
	n.synced = true
	var gone []Change
	for k, h := range n.state {
		if h.generation != n.generation {
			gone = append(gone, Change{Route: k.route, Room: k.room, User: k.user, Reported: true}) // it would be named if not
		}
	}
	return append(events, p.applyChanges(n, gone)...), false
}

// apply has changes of a node take effect; mu is held.
func (p *peers) applyChanges(n *peer, changes []Change) (events []event) {
	for _, c := range changes {
		c = c.normalize()
		k := c.key()
		old := n.state[k]
		if c.isEmpty() {
			delete(n.state, k)
		} else {
			n.state[k] = peerEntry{c, n.generation}
		}
		m := p.rooms[k.roomKey]
		if m == nil {
			m = &remoteRoom{users: map[string]int{}}
			p.rooms[k.roomKey] = m
		}
		if c.User == "" {
			m.sockets += c.Size - old.Size
		} else if c.Present != old.Present {
			if c.Present {
				m.users[c.User]++
			} else {
				m.users[c.User]--
			}
			if left := m.users[c.User]; left == 0 || left == 1 && c.Present {
				events = append(events, event{c, !c.Present && !c.Reported && p.isLeader()})
			}
			if m.users[c.User] == 0 {
				delete(m.users, c.User)
			}
		}
		if m.sockets == 0 && len(m.users) == 0 {
			delete(p.rooms, k.roomKey)
		}
	}
	return events
}

// heir says whether it is for this node to tell its plugins what no node has: it is the
// least of those that were heard lately. mu is held.
func (p *peers) isLeader() bool {
	if !p.b.upToDate() {
		return false // the others took this one for gone
	}
	for name, n := range p.nodes {
		if name < p.b.opts.Node && time.Since(n.lastSeen) < p.b.opts.TTL*2/5 { // one says something every TTL/4
			return false
		}
	}
	return true
}

// bury forgets a node; mu is held.
func (p *peers) removePeer(node string) []event {
	n := p.nodes[node]
	if n == nil {
		return nil
	}
	p.b.log.Warn("broker: node", "is", "gone", "name", node)
	var gone []Change
	for k := range n.state {
		gone = append(gone, Change{Route: k.route, Room: k.room, User: k.user})
	}
	delete(p.nodes, node)
	events := p.applyChanges(n, gone)
	for _, e := range events { // each node comes to the same, and the heir tells
		p.local.markReported(e.key())
	}
	return events
}

// Sockets is how many sockets the other nodes have in a room.
func (b *Broker) Sockets(route, room string) int {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	if m := b.peers.rooms[roomKey{route, room}]; m != nil {
		return m.sockets
	}
	return 0
}

// listeners is how many nodes have members of a topic, this one included.
func (b *Broker) countSubscribers(x *topic) (n int) {
	key := stateKey{roomKey: roomKey{x.Route, x.Name}}
	if x.Kind == User {
		key = stateKey{roomKey{x.Route, ""}, x.Name}
	}
	b.mu.Lock()
	if x.subscriptions > 0 {
		n++
	}
	b.mu.Unlock()
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	for _, other := range b.peers.nodes {
		if _, ok := other.state[key]; ok || x.Kind == Route {
			n++
		}
	}
	return n
}

// Users lists the users who are present in a room on other nodes; an empty
// room: on the route.
func (b *Broker) Users(route, room string) []string {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	if m := b.peers.rooms[roomKey{route, room}]; m != nil {
		return slices.Collect(maps.Keys(m.users))
	}
	return nil
}

// Online says whether a user is present in a room on another node.
func (b *Broker) Online(route, room, user string) bool {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	m := b.peers.rooms[roomKey{route, room}]
	return m != nil && m.users[user] > 0
}

// Rooms gives the rooms of a route that other nodes have, and how many sockets they have there: none where
// a user's last one has gone, and the user has not, as its grace lasts.
func (b *Broker) Rooms(route string) map[string]int {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	out := map[string]int{}
	for k, m := range b.peers.rooms {
		if k.route == route && k.room != "" {
			out[k.room] = m.sockets
		}
	}
	return out
}

// Nodes lists the other nodes.
func (b *Broker) Nodes() []string {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	return slices.Sorted(maps.Keys(b.peers.nodes))
}
