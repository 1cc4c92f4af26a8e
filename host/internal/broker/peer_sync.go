package broker

import "time"

// reaction is what handle does about a message after it has released the lock.
type reaction struct {
	events        []event
	sendHeartbeat bool
	requestState  bool
	firstBucket   int // of the requested part
}

// handle handles a message of another node.
func (p *peers) handle(m *clusterMessage) {
	p.mu.Lock()
	r := p.react(m)
	p.mu.Unlock()
	channel := p.b.nodeChannel(m.Node)
	if r.sendHeartbeat {
		p.send(channel, clusterMessage{Kind: kindHeartbeat})
	}
	if r.requestState {
		p.b.sendClusterMessage(channel, clusterMessage{Kind: kindStateRequest, FirstBucket: r.firstBucket})
	}
	if m.Kind == kindStateRequest {
		p.sendState(m.Node, m.FirstBucket)
	}
	p.reportEvents(r.events)
}

// react applies a message to the state of its sender and returns what is left to do; mu is held. A
// state is requested part by part: whole states of all nodes at once are too much for one that joins.
func (p *peers) react(m *clusterMessage) (r reaction) {
	n, events := p.resolve(m)
	r.events = events
	if n == nil {
		return r
	}
	n.lastSeen = time.Now()
	switch m.Kind {
	case kindHello: // earlier requests may not have reached the sender
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
	r.requestState = r.requestState || !n.synced && time.Since(n.requestedAt) > stateRetry
	if r.requestState {
		n.requestedAt, r.firstBucket = time.Now(), n.nextBucket
	}
	return r
}

// resyncUnless makes the whole state of a peer be requested again, unless all its deltas have come.
func (n *peer) resyncUnless(complete bool) {
	if !complete {
		n.synced, n.nextBucket = false, 0
	}
}

// addStatePart applies a part of a node's state; mu is held. Changes between two parts come as
// deltas, in order. Entries that no part names are removed after the last part, so nobody leaves who
// is named by a later part. more: the next part has to be requested.
func (p *peers) addStatePart(n *peer, m *clusterMessage) (events []event, more bool) {
	switch {
	case m.FirstBucket == 0:
		n.generation++
		n.seq, n.synced = m.Seq, false
	case m.FirstBucket != n.nextBucket: // the answer to a repeated request
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
	for k, e := range n.state {
		if e.generation != n.generation {
			// The state names unreported leaves, so this one was reported.
			gone = append(gone, Change{Route: k.route, Room: k.room, User: k.user, Reported: true})
		}
	}
	return append(events, p.applyChanges(n, gone)...), false
}

// applyChanges applies changes of a node and returns the users who came to the other nodes or left
// the last of them; mu is held.
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
		room := p.rooms[k.roomKey]
		if room == nil {
			room = &remoteRoom{users: map[string]int{}}
			p.rooms[k.roomKey] = room
		}
		if c.User == "" {
			room.sockets += c.Size - old.Size
		} else if room.setPresent(c.User, old.Present, c.Present) {
			events = append(events, event{c, !c.Present && !c.Reported && p.isLeader()})
		}
		if room.sockets == 0 && len(room.users) == 0 {
			delete(p.rooms, k.roomKey)
		}
	}
	return events
}

// setPresent counts the presence of a user on one more or one less node. It returns whether the user
// came to the first node or left the last one.
func (r *remoteRoom) setPresent(user string, was, is bool) bool {
	switch {
	case is == was:
		return false
	case is:
		r.users[user]++
		return r.users[user] == 1
	}
	if r.users[user]--; r.users[user] == 0 {
		delete(r.users, user)
		return true
	}
	return false
}
