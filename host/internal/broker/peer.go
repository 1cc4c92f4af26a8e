package broker

import (
	"slices"
	"sync"
	"time"
)

// peers is the state of this node and of the others.
type peers struct {
	b *Broker

	sendMu sync.Mutex // keeps deltas and parts of the state in order; taken before mu

	mu       sync.Mutex
	local    *localState
	seq      uint64 // of the last delta
	nodes    map[string]*peer
	departed map[string]departure // nodes that have announced their leave
	rooms    map[roomKey]*remoteRoom
}

// peer is another node; peers.mu guards it.
type peer struct {
	start       int64 // of its process
	lastSeen    time.Time
	seq         uint64    // of the last delta applied
	synced      bool      // its whole state is here
	requestedAt time.Time // when a part of its state was requested last
	nextBucket  int       // first bucket of the next part; 0: the state is requested from its beginning
	generation  uint64    // counts the states that were received
	state       map[stateKey]peerEntry
}

// peerEntry is an entry of a peer's state.
type peerEntry struct {
	Change
	generation uint64 // of the state that named it last
}

// departure is the leave of a node. Later messages of that process are ignored.
type departure struct {
	start int64
	at    time.Time
}

// remoteRoom counts the sockets and the users that all other nodes have in a room.
type remoteRoom struct {
	sockets int
	users   map[string]int // number of nodes that have the user
}

// stateRetry is how long a node may take to answer a state request before it is repeated.
const stateRetry = time.Second / 4

func (p *peers) init(b *Broker) {
	p.b = b
	p.local, p.nodes, p.rooms = newLocalState(), map[string]*peer{}, map[roomKey]*remoteRoom{}
	p.departed = map[string]departure{}
}

// Announce applies changes to the state of this node and sends them to the others.
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

// send sends a message with the sequence number of the last delta.
func (p *peers) send(channel string, m clusterMessage) {
	p.sendMu.Lock()
	defer p.sendMu.Unlock()
	p.mu.Lock()
	m.Seq = p.seq
	p.mu.Unlock()
	p.b.sendClusterMessage(channel, m)
}

// sendHello announces that the link of this node is new. Requests sent before it will not be
// answered.
func (p *peers) sendHello() {
	p.mu.Lock()
	for _, n := range p.nodes {
		n.requestedAt = time.Time{}
	}
	p.mu.Unlock()
	p.send(p.b.clusterChannel(), clusterMessage{Kind: kindHello})
}

// sendState sends a part of this node's state, as it is after the last delta, to a node.
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

// event is a change of presence for Options.Presence.
type event struct {
	Change
	leader bool // this node reports the leave to its plugin
}

// reportEvents calls Options.Presence for each event; mu is not held.
func (p *peers) reportEvents(events []event) {
	for _, e := range events {
		p.b.opts.Presence(e.Change, e.leader)
	}
}

// resolve returns the peer that sent a message, which it adds if it is new; mu is held. It returns
// nil if the message is void: the process has left, or a later process has its name.
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
	p.b.log.Info("node joined", "node", m.Node)
	return n, events
}

// removePeer removes a node and its state; mu is held.
func (p *peers) removePeer(node string) []event {
	n := p.nodes[node]
	if n == nil {
		return nil
	}
	p.b.log.Warn("node left", "node", node)
	var gone []Change
	for k := range n.state {
		gone = append(gone, Change{Route: k.route, Room: k.room, User: k.user})
	}
	delete(p.nodes, node)
	events := p.applyChanges(n, gone)
	for _, e := range events { // each node sees the same leaves, and the leader reports them
		p.local.markReported(e.key())
	}
	return events
}

// isLeader reports whether this node is the leader, which reports leaves that no other node has
// reported: it has the least name of the nodes that have sent a message lately. mu is held.
func (p *peers) isLeader() bool {
	if !p.b.upToDate() {
		return false // the others have removed this node
	}
	for name, n := range p.nodes {
		if name < p.b.opts.Node && time.Since(n.lastSeen) < p.b.opts.TTL*2/5 { // heartbeats come every TTL/4
			return false
		}
	}
	return true
}

// removeSilent removes nodes that have sent nothing for four fifths of the TTL, unless this node
// itself may be the reason.
func (p *peers) removeSilent() {
	if !p.b.upToDate() || p.b.sinceLastEcho() > p.b.opts.TTL/2 {
		return
	}
	p.b.mu.Lock()
	linkSince := p.b.stateSince // no message could be received before
	p.b.mu.Unlock()
	p.mu.Lock()
	var events []event
	for name, n := range p.nodes {
		if time.Since(latest(n.lastSeen, linkSince)) > p.b.opts.TTL*4/5 {
			events = append(events, p.removePeer(name)...)
		}
	}
	p.expire()
	p.mu.Unlock()
	p.reportEvents(events)
}

// expire drops unreported leaves and departures that no node can ask about any more; mu is held.
func (p *peers) expire() {
	ttl := p.b.opts.TTL
	p.local.dropUnreportedBefore(time.Now().Add(-4 * ttl))
	for name, d := range p.departed {
		if time.Since(d.at) > 6*ttl {
			delete(p.departed, name)
		}
	}
}
