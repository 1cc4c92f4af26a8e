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
	Route string `json:"r"`
	Room  string `json:"m,omitempty"`
	User  string `json:"u,omitempty"`
	Here  bool   `json:"h,omitempty"`
	Size  int    `json:"z,omitempty"`
	// Told: the node itself has told its plugin that the user left, since no other node
	// was known to have it. Else that is for another to do.
	Told bool `json:"t,omitempty"`
}

// sane is a change that a node could have made.
func (c Change) sane() Change {
	if c.User != "" {
		c.Size = 0
	} else {
		c.Here, c.Size = false, max(c.Size, 0)
	}
	return c
}

func (c Change) void() bool { return !c.Here && c.Size == 0 }

type place struct{ route, room string }

type stateKey struct {
	place
	user string
}

func (c Change) key() stateKey { return stateKey{place{c.Route, c.Room}, c.User} }

// statePart is how many entries of a state one message has.
const statePart = 1000

// peers is what this node knows of the others, and what it tells them.
type peers struct {
	b *Broker

	telling sync.Mutex // deltas and states go out in their order; outside of mu

	mu     sync.Mutex
	own    map[stateKey]Change
	seq    uint64
	nodes  map[string]*peer
	ended  map[string]ended // nodes that have said goodbye
	merged map[place]*merged
}

// peer is another node.
type peer struct {
	start  int64
	seen   time.Time
	seq    uint64
	synced bool      // its state is here, and nothing of it was missed
	asked  time.Time // for its state, or a part of that has come
	parts  int       // so many parts of its state have come; 0: none, or the last has
	gen    uint64    // of the state that came last
	state  map[stateKey]held
}

// ended is a node that has said goodbye: what that process says after it is void.
type ended struct {
	start int64
	at    time.Time
}

// held is a part of the state of a node, and of which state it is.
type held struct {
	Change
	gen uint64
}

// askAgain is how long a node may take to tell its state, or a part.
const askAgain = time.Second / 4

// merged is what all other nodes have of a room.
type merged struct {
	sockets int
	users   map[string]int // on how many nodes
}

func (p *peers) init(b *Broker) {
	p.b = b
	p.own, p.nodes, p.merged = map[stateKey]Change{}, map[string]*peer{}, map[place]*merged{}
	p.ended = map[string]ended{}
}

func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.nodes)
}

// Announce tells the other nodes of changes.
func (b *Broker) Announce(changes []Change) {
	p := &b.peers
	p.telling.Lock()
	defer p.telling.Unlock()
	for part := range slices.Chunk(changes, statePart) {
		p.mu.Lock()
		for _, c := range part {
			if c.void() {
				delete(p.own, c.key())
			} else {
				p.own[c.key()] = c
			}
		}
		p.seq++
		m := control{Kind: kindDelta, Seq: p.seq, Changes: part}
		p.mu.Unlock()
		b.tell(b.channelAll(), m)
	}
}

// say tells all nodes where the own state is.
func (p *peers) say(k kind) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	seq := p.seq
	p.mu.Unlock()
	p.b.tell(p.b.channelAll(), control{Kind: k, Seq: seq})
}

// tellState sends the own state to a node.
func (p *peers) tellState(node string) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	seq, all := p.seq, slices.Collect(maps.Values(p.own))
	p.mu.Unlock()
	parts := slices.Collect(slices.Chunk(all, statePart))
	if len(parts) == 0 {
		parts = [][]Change{nil}
	}
	for i, part := range parts {
		p.b.tell(p.b.channelNode(node), control{Kind: kindState, Seq: seq, Changes: part, Part: i, Last: i == len(parts)-1})
	}
}

// event is what the host has to be told, without the lock.
type event struct {
	Change
	heir bool
}

// control handles a message of another node.
func (p *peers) control(m *control) {
	p.mu.Lock()
	events, ask, tell := p.take(m)
	p.mu.Unlock()
	if ask {
		p.b.tell(p.b.channelNode(m.Node), control{Kind: kindAsk})
	}
	if tell {
		p.tellState(m.Node)
	}
	p.report(events)
}

func (p *peers) report(events []event) {
	for _, e := range events {
		p.b.o.Presence(e.Change, e.heir)
	}
}

// take says what is to be done about a message; mu is held.
func (p *peers) take(m *control) (events []event, ask, tell bool) {
	n, events := p.known(m)
	if n == nil {
		return events, false, false
	}
	n.seen = time.Now()
	switch m.Kind {
	case kindHello:
		tell = true
		n.synced = n.synced && m.Seq == n.seq
	case kindAsk:
		tell = true
	case kindDelta:
		if n.synced && m.Seq == n.seq+1 {
			n.seq = m.Seq
			events = append(events, p.apply(n, m.Changes)...)
		} else if m.Seq > n.seq {
			n.synced, n.parts = false, 0 // none comes between the parts of a state
		}
	case kindState:
		events = append(events, p.takeState(n, m)...)
	case kindBeat:
		n.synced = n.synced && m.Seq == n.seq
	}
	if !n.synced && m.Kind != kindState && time.Since(n.asked) > askAgain {
		n.asked = time.Now()
		ask = true
	}
	return events, ask, tell
}

// known finds the node that a message is of; mu is held. nil: there is none, or none any more.
// Of two processes of one name the one that started last is meant, and what the other still says is void.
func (p *peers) known(m *control) (n *peer, events []event) {
	n = p.nodes[m.Node]
	switch {
	case m.Node == "" || n != nil && m.Start < n.start || p.ended[m.Node].start == m.Start && m.Start != 0:
		return nil, nil
	case m.Kind == kindBye:
		p.ended[m.Node] = ended{m.Start, time.Now()}
		return nil, p.bury(m.Node)
	case n != nil && m.Start == n.start:
		return n, nil
	case n != nil:
		events = p.bury(m.Node)
	}
	n = &peer{start: m.Start, state: map[stateKey]held{}}
	p.nodes[m.Node] = n
	p.b.log.Info("broker: node", "is", "there", "name", m.Node)
	return n, events
}

// takeState takes a part of a node's state; mu is held. What the state does not have is void
// when all of it is here: until then nobody leaves who is named by a later part.
func (p *peers) takeState(n *peer, m *control) (events []event) {
	switch m.Part {
	case 0:
		n.gen++
	case n.parts:
	default: // one is missing, and will be asked for with the others
		n.parts = 0
		return nil
	}
	n.parts, n.asked = m.Part+1, time.Now()
	events = p.apply(n, m.Changes)
	if !m.Last {
		return events
	}
	n.synced, n.parts, n.seq = true, 0, m.Seq
	var gone []Change
	for k, h := range n.state {
		if h.gen != n.gen {
			gone = append(gone, Change{Route: k.route, Room: k.room, User: k.user, Told: true}) // or else it would be told twice
		}
	}
	return append(events, p.apply(n, gone)...)
}

// apply has changes of a node take effect; mu is held.
func (p *peers) apply(n *peer, changes []Change) (events []event) {
	for _, c := range changes {
		c = c.sane()
		k := c.key()
		old := n.state[k]
		if c.void() {
			delete(n.state, k)
		} else {
			n.state[k] = held{c, n.gen}
		}
		m := p.merged[k.place]
		if m == nil {
			m = &merged{users: map[string]int{}}
			p.merged[k.place] = m
		}
		if c.User == "" {
			m.sockets += c.Size - old.Size
		} else if c.Here != old.Here {
			if c.Here {
				m.users[c.User]++
			} else {
				m.users[c.User]--
			}
			if left := m.users[c.User]; left == 0 || left == 1 && c.Here {
				events = append(events, event{c, !c.Here && !c.Told && p.heir()})
			}
			if m.users[c.User] == 0 {
				delete(m.users, c.User)
			}
		}
		if m.sockets == 0 && len(m.users) == 0 {
			delete(p.merged, k.place)
		}
	}
	return events
}

// heir says whether it is for this node to tell its plugins what no node has: it is the
// least of those that were heard lately. mu is held.
func (p *peers) heir() bool {
	if !p.b.awake() {
		return false // the others took this one for gone
	}
	for name, n := range p.nodes {
		if name < p.b.o.Node && time.Since(n.seen) < p.b.o.TTL*2/5 { // one says something every TTL/4
			return false
		}
	}
	return true
}

// bury forgets a node; mu is held.
func (p *peers) bury(node string) []event {
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
	return p.apply(n, gone)
}

// Sockets is how many sockets the other nodes have in a room.
func (b *Broker) Sockets(route, room string) int {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	if m := b.peers.merged[place{route, room}]; m != nil {
		return m.sockets
	}
	return 0
}

// listeners is how many nodes have members of a topic, this one included.
func (b *Broker) listeners(x *topic) (n int) {
	key := stateKey{place: place{x.Route, x.Name}}
	if x.Kind == User {
		key = stateKey{place{x.Route, ""}, x.Name}
	}
	b.mu.Lock()
	if x.wanted > 0 {
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
	if m := b.peers.merged[place{route, room}]; m != nil {
		return slices.Collect(maps.Keys(m.users))
	}
	return nil
}

// Online says whether a user is present in a room on another node.
func (b *Broker) Online(route, room, user string) bool {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	m := b.peers.merged[place{route, room}]
	return m != nil && m.users[user] > 0
}

// Rooms gives the rooms of a route that other nodes have, and how many sockets they have there: none where
// a user's last one has gone, and the user has not, as its grace lasts.
func (b *Broker) Rooms(route string) map[string]int {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	out := map[string]int{}
	for k, m := range b.peers.merged {
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
