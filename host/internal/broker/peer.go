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

// statePart is about how many entries of a state one message has.
const statePart = 1000

// peers is what this node knows of the others, and what it tells them.
type peers struct {
	b *Broker

	telling sync.Mutex // deltas and states go out in their order; outside of mu

	mu     sync.Mutex
	own    *owned
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
	asked  time.Time // for its state, or a part of that
	next   int       // the bucket that the next part of its state begins with; 0: none has come, or the last has
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

// askAgain is how long a node may take to tell a part of its state.
const askAgain = time.Second / 4

// merged is what all other nodes have of a room.
type merged struct {
	sockets int
	users   map[string]int // on how many nodes
}

func (p *peers) init(b *Broker) {
	p.b = b
	p.own, p.nodes, p.merged = newOwned(), map[string]*peer{}, map[place]*merged{}
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
			p.own.put(c)
		}
		p.seq++
		m := control{Kind: kindDelta, Seq: p.seq, Changes: part}
		p.mu.Unlock()
		b.tell(b.channelAll(), m)
	}
}

// say tells others where the own state is.
func (p *peers) say(channel string, m control) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	m.Seq = p.seq
	p.mu.Unlock()
	p.b.tell(channel, m)
}

// tellState sends a part of the own state to a node, as it is after the last delta.
func (p *peers) tellState(node string, from int) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.mu.Lock()
	m := control{Kind: kindState, Seq: p.seq, Part: from}
	m.Changes, m.Next = p.own.part(from)
	p.mu.Unlock()
	m.Last = m.Next == 0
	p.b.tell(p.b.channelNode(node), m)
}

// event is what the host has to be told, without the lock.
type event struct {
	Change
	heir bool
}

// reaction is what is to be done about a message, without the lock.
type reaction struct {
	events []event
	greet  bool // say that this node is here
	ask    bool // for a part of the state
	part   int
}

// control handles a message of another node.
func (p *peers) control(m *control) {
	p.mu.Lock()
	r := p.take(m)
	p.mu.Unlock()
	if r.greet {
		p.say(p.b.channelNode(m.Node), control{Kind: kindBeat})
	}
	if r.ask {
		p.b.tell(p.b.channelNode(m.Node), control{Kind: kindAsk, Part: r.part})
	}
	if m.Kind == kindAsk {
		p.tellState(m.Node, m.Part)
	}
	p.report(r.events)
}

func (p *peers) report(events []event) {
	for _, e := range events {
		p.b.o.Presence(e.Change, e.heir)
	}
}

// take says what is to be done about a message; mu is held. A state is asked for part by part: a node
// that said all of it at once, and all nodes at the same time, would be too much for who comes.
func (p *peers) take(m *control) (r reaction) {
	n, events := p.known(m)
	r.events = events
	if n == nil {
		return r
	}
	n.seen = time.Now()
	switch m.Kind {
	case kindHello: // what it was asked for before may not have reached it
		r.greet, n.asked = true, time.Time{}
		n.follow(m.Seq == n.seq)
	case kindBeat:
		n.follow(m.Seq == n.seq)
	case kindDelta:
		if (n.synced || n.next > 0) && m.Seq == n.seq+1 {
			n.seq = m.Seq
			r.events = append(r.events, p.apply(n, m.Changes)...)
		} else {
			n.follow(m.Seq <= n.seq)
		}
	case kindState:
		events, r.ask = p.takeState(n, m)
		r.events = append(r.events, events...)
	}
	if r.ask = r.ask || !n.synced && time.Since(n.asked) > askAgain; r.ask {
		n.asked, r.part = time.Now(), n.next
	}
	return r
}

// hello says that the link of this node is new: what it asked for before does not come.
func (p *peers) hello() {
	p.mu.Lock()
	for _, n := range p.nodes {
		n.asked = time.Time{}
	}
	p.mu.Unlock()
	p.say(p.b.channelAll(), control{Kind: kindHello})
}

// follow says whether all that a node has told has come. If not, its state is needed, from
// the beginning.
func (n *peer) follow(all bool) {
	if !all {
		n.synced, n.next = false, 0
	}
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

// takeState takes a part of a node's state; mu is held. What changes between two parts comes
// as a delta, in its order. What no part has is void when all are here: until then nobody leaves who is named
// by a later one. more: the next part is to be asked for.
func (p *peers) takeState(n *peer, m *control) (events []event, more bool) {
	switch {
	case m.Part == 0:
		n.gen++
		n.seq, n.synced = m.Seq, false
	case m.Part != n.next: // of a question that was repeated
		return nil, false
	default:
		n.follow(m.Seq == n.seq)
		if n.next == 0 {
			return nil, false
		}
	}
	n.next = 0
	events = p.apply(n, m.Changes)
	if !m.Last {
		if more = m.Next > m.Part; more {
			n.next = m.Next
		}
		return events, more
	}
	n.synced = true
	var gone []Change
	for k, h := range n.state {
		if h.gen != n.gen {
			gone = append(gone, Change{Route: k.route, Room: k.room, User: k.user, Told: true}) // it would be named if not
		}
	}
	return append(events, p.apply(n, gone)...), false
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
	events := p.apply(n, gone)
	for _, e := range events { // each node comes to the same, and the heir tells
		p.own.told(e.key())
	}
	return events
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
