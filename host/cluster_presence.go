package host

import (
	"slices"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// announceEvery is how often the other nodes are told who is here, at most.
const announceEvery = 20 * time.Millisecond

// announce tells the other nodes what has changed. It returns when it wants to
// be called again; zero: when something changes.
func (rt *routeRuntime) announce(now time.Time) time.Time {
	if rt.host.broker == nil {
		return time.Time{}
	}
	if next := rt.announced.Add(announceEvery); now.Before(next) {
		return next
	}
	journal := rt.hub.TakeJournal()
	if len(journal) == 0 {
		return time.Time{}
	}
	rt.announced = now
	changes := make([]broker.Change, 0, len(journal))
	var later []hub.Change
	for _, c := range journal {
		if !rt.hears(c) {
			later = append(later, c)
			continue
		}
		changes = append(changes, rt.told(c))
	}
	rt.hub.Rewrite(later)
	if len(changes) > 0 {
		rt.host.broker.Announce(changes)
	}
	return time.Time{}
}

// lastWord has the other nodes know what the clerk has told here until it stops: or they would
// tell that again when this node has gone.
func (rt *routeRuntime) lastWord(now time.Time) {
	if rt.retired.Load() {
		rt.takeLeave(now)
		return
	}
	rt.announced = time.Time{} // it may be the second time within announceEvery
	rt.announce(now)
}

// takeLeave has the other nodes know that nobody is here any more, and nothing subscribed:
// the route is gone, and graces that last end with it. Whom a plugin still believes to be
// present, one of another node is told of.
func (rt *routeRuntime) takeLeave(now time.Time) {
	if rt.host.broker == nil {
		return
	}
	rt.hub.TakePresence(now.Add(rt.grace + time.Hour))
	var changes []broker.Change
	for _, c := range rt.hub.TakeJournal() {
		changes = append(changes, rt.change(c))
	}
	rt.host.broker.Announce(changes)
}

// change is what the other nodes are told of a change here.
func (rt *routeRuntime) change(c hub.Change) broker.Change {
	return broker.Change{Route: rt.pattern, Room: c.Room, User: c.User, Present: c.Here, Size: c.Size}
}

// told is a change that also says whether a plugin was told here that a user left.
func (rt *routeRuntime) told(c hub.Change) broker.Change {
	out := rt.change(c)
	if c.User != "" && !c.Here {
		k := [2]string{c.Room, c.User}
		_, skipped := rt.remote.skipped[k]
		out.Reported = !skipped
		delete(rt.remote.skipped, k)
	}
	return out
}

// hears says whether those whom a change is about get what other nodes send. They
// are announced when they do: who is seen can be spoken to.
func (rt *routeRuntime) hears(c hub.Change) bool {
	switch {
	case c.Room != "":
		return !rt.host.broker.SubscriptionPending(rt.roomTopic(c.Room))
	case c.User != "":
		return !rt.host.broker.SubscriptionPending(rt.userTopic(c.User))
	}
	return true
}

// remotePresence are changes of who is present on other nodes, until the clerk tells
// of them: the last one of each user in each room. The zero value has none.
type remotePresence struct {
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

func (e *remotePresence) skip(k [2]string) {
	if e.skipped == nil {
		e.skipped = map[[2]string]struct{}{}
	}
	e.skipped[k] = struct{}{}
}

// note keeps a change until take, unless it undoes one that nobody was told of.
func (e *remotePresence) note(k [2]string, c remoteChange) {
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

func (e *remotePresence) take() map[[2]string]remoteChange {
	e.mu.Lock()
	defer e.mu.Unlock()
	changes := e.changes
	e.changes = nil
	return changes
}

// remotePresence notes that a user came or left on other nodes.
func (h *Host) remotePresence(c broker.Change, heir bool) {
	rt := h.runtime(c.Route)
	if rt == nil || c.User == "" {
		return
	}
	rt.remote.note([2]string{c.Room, c.User}, remoteChange{c.Present, heir, c.Reported})
	rt.wakeBackground()
}

// remoteEvents tells of users who came and left on other nodes. One who is here
// was there before, and is there after.
func (rt *routeRuntime) remoteEvents(outbox *hub.Outbox) {
	for k, c := range rt.remote.take() {
		if rt.stopped() {
			return
		}
		e := hub.PresenceEvent{Room: k[0], User: k[1], Join: c.here}
		_, skipped := rt.remote.skipped[k]
		switch here := rt.hub.Here(e.Room, e.User); {
		case here && skipped && c.told:
			// The other node told that the user left before it knew that it had come here.
			delete(rt.remote.skipped, k)
			e.Join = true
			rt.runPresence(outbox, e)
		case here || c.here != rt.isRemote(e.Room, e.User):
		default:
			rt.notifySubscribers(outbox, e)
			if c.heir {
				rt.runPresence(outbox, e)
			}
		}
		outbox.Flush()
	}
}

// isRemote says whether a user is present in a room on another node.
func (rt *routeRuntime) isRemote(room, user string) bool {
	return rt.host.broker != nil && rt.host.broker.Online(rt.pattern, room, user)
}

// presentIn lists the users in a room on all nodes, sorted; an empty name: in
// the channel.
func (rt *routeRuntime) presentIn(room string) []string {
	return rt.withRemote(room, rt.hub.Present(room))
}

// withRemote adds the users on other nodes to sorted names.
func (rt *routeRuntime) withRemote(room string, names []string) []string {
	if rt.host.broker == nil {
		return names
	}
	names = append(names, rt.host.broker.Users(rt.pattern, room)...)
	slices.Sort(names)
	return slices.Compact(names)
}

// remoteSize counts the connections in a room on other nodes.
func (rt *routeRuntime) remoteSize(room string) int {
	if rt.host.broker == nil {
		return 0
	}
	return rt.host.broker.Sockets(rt.pattern, room)
}

// runPresence calls on_presence, where the channel has it.
func (rt *routeRuntime) runPresence(outbox *hub.Outbox, e hub.PresenceEvent) {
	if !rt.settings.Load().logic.Has(abi.OnPresence) {
		return
	}
	ev := plugin.Event{Hook: abi.OnPresence, Data: []byte(e.Room + "\n" + e.User)}
	if e.Join {
		ev.Arg = int32(abi.PresenceJoin)
	}
	rt.runDue(ev, nil, outbox)
}
