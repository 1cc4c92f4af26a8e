package host

import (
	"slices"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// announceEvery is how often the other nodes are told who is here, at most.
const announceEvery = 20 * time.Millisecond

// announce tells the other nodes what has changed. It returns when it wants to
// be called again; zero: when something changes.
func (ch *channel) announce(now time.Time) time.Time {
	if ch.host.broker == nil {
		return time.Time{}
	}
	if next := ch.announced.Add(announceEvery); now.Before(next) {
		return next
	}
	journal := ch.hub.TakeJournal()
	if len(journal) == 0 {
		return time.Time{}
	}
	ch.announced = now
	changes := make([]broker.Change, 0, len(journal))
	var later []hub.Change
	for _, c := range journal {
		if !ch.hears(c) {
			later = append(later, c)
			continue
		}
		changes = append(changes, ch.told(c))
	}
	ch.hub.Rewrite(later)
	if len(changes) > 0 {
		ch.host.broker.Announce(changes)
	}
	return time.Time{}
}

// lastWord has the other nodes know what the clerk has told here until it stops: or they would
// tell that again when this node has gone.
func (ch *channel) lastWord(now time.Time) {
	if ch.retired.Load() {
		ch.takeLeave(now)
		return
	}
	ch.announced = time.Time{} // it may be the second time within announceEvery
	ch.announce(now)
}

// takeLeave has the other nodes know that nobody is here any more, and nothing subscribed:
// the route is gone, and graces that last end with it. Whom a plugin still believes to be
// present, one of another node is told of.
func (ch *channel) takeLeave(now time.Time) {
	if ch.host.broker == nil {
		return
	}
	ch.hub.TakePresence(now.Add(ch.grace + time.Hour))
	var changes []broker.Change
	for _, c := range ch.hub.TakeJournal() {
		changes = append(changes, ch.change(c))
	}
	ch.host.broker.Announce(changes)
}

// change is what the other nodes are told of a change here.
func (ch *channel) change(c hub.Change) broker.Change {
	return broker.Change{Route: ch.pattern, Room: c.Room, User: c.User, Here: c.Here, Size: c.Size}
}

// told is a change that also says whether a plugin was told here that a user left.
func (ch *channel) told(c hub.Change) broker.Change {
	out := ch.change(c)
	if c.User != "" && !c.Here {
		k := [2]string{c.Room, c.User}
		_, skipped := ch.elsewhere.skipped[k]
		out.Told = !skipped
		delete(ch.elsewhere.skipped, k)
	}
	return out
}

// hears says whether those whom a change is about get what other nodes send. They
// are announced when they do: who is seen can be spoken to.
func (ch *channel) hears(c hub.Change) bool {
	switch {
	case c.Room != "":
		return ch.host.broker.Settled(ch.roomTopic(c.Room))
	case c.User != "":
		return ch.host.broker.Settled(ch.userTopic(c.User))
	}
	return true
}

// elsewhere are changes of who is present on other nodes, until the clerk tells
// of them: the last one of each user in each room. The zero value has none.
type elsewhere struct {
	// the clerk's: users whose coming or going here was not told, as they were there, too
	skipped map[[2]string]struct{} // by room and user

	mu      sync.Mutex
	changes map[[2]string]remoteChange // by room and user
}

type remoteChange struct {
	here bool
	heir bool // that the user left is for this node to tell its plugin: no other has
	told bool // another has
}

func (e *elsewhere) skip(k [2]string) {
	if e.skipped == nil {
		e.skipped = map[[2]string]struct{}{}
	}
	e.skipped[k] = struct{}{}
}

// note keeps a change until take, unless it undoes one that nobody was told of.
func (e *elsewhere) note(k [2]string, c remoteChange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changes == nil {
		e.changes = map[[2]string]remoteChange{}
	}
	if was, ok := e.changes[k]; ok && was.here != c.here {
		delete(e.changes, k)
		return
	}
	e.changes[k] = c
}

func (e *elsewhere) take() map[[2]string]remoteChange {
	e.mu.Lock()
	defer e.mu.Unlock()
	changes := e.changes
	e.changes = nil
	return changes
}

// remotePresence notes that a user came or left on other nodes.
func (h *Host) remotePresence(c broker.Change, heir bool) {
	ch := h.channel(c.Route)
	if ch == nil || c.User == "" {
		return
	}
	ch.elsewhere.note([2]string{c.Room, c.User}, remoteChange{c.Here, heir, c.Told})
	ch.wakeClerk()
}

// remoteEvents tells of users who came and left on other nodes. One who is here
// was there before, and is there after.
func (ch *channel) remoteEvents(turn *hub.Turn) {
	for k, c := range ch.elsewhere.take() {
		if ch.stopped() {
			return
		}
		e := hub.PresenceEvent{Room: k[0], User: k[1], Join: c.here}
		_, skipped := ch.elsewhere.skipped[k]
		switch here := ch.hub.Here(e.Room, e.User); {
		case here && skipped && c.told:
			// The other node told that the user left before it knew that it had come here.
			delete(ch.elsewhere.skipped, k)
			e.Join = true
			ch.runPresence(turn, e)
		case here || c.here != ch.isElsewhere(e.Room, e.User):
		default:
			ch.tellWatchers(turn, e)
			if c.heir {
				ch.runPresence(turn, e)
			}
		}
		turn.Flush()
	}
}

// isElsewhere says whether a user is present in a room on another node.
func (ch *channel) isElsewhere(room, user string) bool {
	return ch.host.broker != nil && ch.host.broker.Online(ch.pattern, room, user)
}

// presentIn lists the users in a room on all nodes, sorted; an empty name: in
// the channel.
func (ch *channel) presentIn(room string) []string {
	return ch.withElsewhere(room, ch.hub.Present(room))
}

// withElsewhere adds the users on other nodes to sorted names.
func (ch *channel) withElsewhere(room string, names []string) []string {
	if ch.host.broker == nil {
		return names
	}
	names = append(names, ch.host.broker.Users(ch.pattern, room)...)
	slices.Sort(names)
	return slices.Compact(names)
}

// sizeElsewhere counts the connections in a room on other nodes.
func (ch *channel) sizeElsewhere(room string) int {
	if ch.host.broker == nil {
		return 0
	}
	return ch.host.broker.Sockets(ch.pattern, room)
}

// runPresence calls on_presence, where the channel has it.
func (ch *channel) runPresence(turn *hub.Turn, e hub.PresenceEvent) {
	if !ch.settings.Load().logic.Has(abi.OnPresence) {
		return
	}
	ev := Event{Hook: abi.OnPresence, Data: []byte(e.Room + "\n" + e.User)}
	if e.Join {
		ev.Arg = int32(abi.PresenceJoin)
	}
	ch.runDue(&ev, nil, turn)
}
