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

// announceInterval is the least time between two announcements of presence to other nodes.
const announceInterval = 20 * time.Millisecond

// announce announces changes of presence to the other nodes. It returns when it has to be called
// again; zero: after the next change.
func (rt *routeRuntime) announce(now time.Time) time.Time {
	if rt.host.broker == nil {
		return time.Time{}
	}
	if next := rt.announced.Add(announceInterval); now.Before(next) {
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
		if !rt.canReceive(c) {
			later = append(later, c)
			continue
		}
		changes = append(changes, rt.reportedChange(c))
	}
	rt.hub.RestoreJournal(later)
	if len(changes) > 0 {
		rt.host.broker.Announce(changes)
	}
	return time.Time{}
}

// announceLast announces the last changes before the background loop ends. Another node would report
// changes that were not announced a second time when this node leaves.
func (rt *routeRuntime) announceLast(now time.Time) {
	if rt.retired.Load() {
		rt.announceRetired(now)
		return
	}
	rt.announced = time.Time{} // do not wait for announceInterval
	rt.announce(now)
}

// announceRetired announces that the route has no users on this node any more. Grace periods end with
// it. Users whose leave was not reported to the plugin here are announced as not reported, so another
// node reports them.
func (rt *routeRuntime) announceRetired(now time.Time) {
	if rt.host.broker == nil {
		return
	}
	rt.hub.TakePresence(now.Add(rt.grace + time.Hour))
	var changes []broker.Change
	for _, c := range rt.hub.TakeJournal() {
		changes = append(changes, rt.brokerChange(c))
	}
	rt.host.broker.Announce(changes)
}

// brokerChange converts a change of the hub.
func (rt *routeRuntime) brokerChange(c hub.Change) broker.Change {
	return broker.Change{Route: rt.pattern, Room: c.Room, User: c.User, Present: c.Present, Size: c.Size}
}

// reportedChange converts a change of the hub. It also sets Reported for a leave that was reported to
// the plugin here.
func (rt *routeRuntime) reportedChange(c hub.Change) broker.Change {
	out := rt.brokerChange(c)
	if c.User != "" && !c.Present {
		k := [2]string{c.Room, c.User}
		_, unreported := rt.remote.unreported[k]
		out.Reported = !unreported
		delete(rt.remote.unreported, k)
	}
	return out
}

// canReceive reports whether the users of a change receive messages of other nodes. They are announced
// only then, so that whoever sees a user can send to the user.
func (rt *routeRuntime) canReceive(c hub.Change) bool {
	switch {
	case c.Room != "":
		return !rt.host.broker.SubscriptionPending(rt.roomTopic(c.Room))
	case c.User != "":
		return !rt.host.broker.SubscriptionPending(rt.userTopic(c.User))
	}
	return true
}

// remotePresence collects changes of presence on other nodes for the background loop: the last one of
// each user in each room. The zero value is empty. Keys are room and user.
type remotePresence struct {
	// unreported has the users whose join or leave here was not reported to the plugin, because they
	// were present on another node. The background loop owns it.
	unreported map[[2]string]struct{}

	mu      sync.Mutex
	changes map[[2]string]remoteChange
}

// remoteChange is a user's join or leave on other nodes.
type remoteChange struct {
	present  bool
	leader   bool // this node reports the leave to its plugin
	reported bool // the other node has reported the leave to its plugin
}

// markUnreported records that a change here was not reported to the plugin.
func (p *remotePresence) markUnreported(k [2]string) {
	if p.unreported == nil {
		p.unreported = map[[2]string]struct{}{}
	}
	p.unreported[k] = struct{}{}
}

// record keeps a change until take. A change that reverts a recorded one removes it instead.
func (p *remotePresence) record(k [2]string, c remoteChange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes == nil {
		p.changes = map[[2]string]remoteChange{}
	}
	if was, ok := p.changes[k]; ok && was.present != c.present {
		delete(p.changes, k)
		return
	}
	p.changes[k] = c
}

// take removes the recorded changes and returns them.
func (p *remotePresence) take() map[[2]string]remoteChange {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes := p.changes
	p.changes = nil
	return changes
}

// recordRemotePresence records a join or leave on other nodes for the background loop of the route.
func (h *Host) recordRemotePresence(c broker.Change, leader bool) {
	rt := h.runtime(c.Route)
	if rt == nil || c.User == "" {
		return
	}
	rt.remote.record([2]string{c.Room, c.User}, remoteChange{c.Present, leader, c.Reported})
	rt.wakeBackground()
}

// remoteEvents notifies subscribers of users who joined and left on other nodes, and runs on_presence
// if this node is the leader. A user who is also present here neither joins nor leaves.
func (rt *routeRuntime) remoteEvents(outbox *hub.Outbox) {
	for k, c := range rt.remote.take() {
		if rt.stopped() {
			return
		}
		e := hub.PresenceEvent{Room: k[0], User: k[1], Join: c.present}
		_, unreported := rt.remote.unreported[k]
		switch here := rt.hub.IsPresent(e.Room, e.User); {
		case here && unreported && c.reported:
			// The other node reported the leave before it knew that the user had joined here, and this
			// node did not report the join.
			delete(rt.remote.unreported, k)
			e.Join = true
			rt.runPresence(outbox, e)
		case here || c.present != rt.isRemote(e.Room, e.User):
		default:
			rt.notifySubscribers(outbox, e)
			if c.leader {
				rt.runPresence(outbox, e)
			}
		}
		outbox.Flush()
	}
}

// isRemote reports whether a user is present in a room on another node.
func (rt *routeRuntime) isRemote(room, user string) bool {
	return rt.host.broker != nil && rt.host.broker.Online(rt.pattern, room, user)
}

// presentIn returns the users in a room on all nodes, sorted. An empty room stands for the route.
func (rt *routeRuntime) presentIn(room string) []string {
	return rt.withRemote(room, rt.hub.Present(room))
}

// withRemote returns names and the users of a room on other nodes, sorted and each once. names has to
// be sorted.
func (rt *routeRuntime) withRemote(room string, names []string) []string {
	if rt.host.broker == nil {
		return names
	}
	names = append(names, rt.host.broker.Users(rt.pattern, room)...)
	slices.Sort(names)
	return slices.Compact(names)
}

// remoteSize returns the number of connections in a room on other nodes.
func (rt *routeRuntime) remoteSize(room string) int {
	if rt.host.broker == nil {
		return 0
	}
	return rt.host.broker.Sockets(rt.pattern, room)
}

// runPresence runs on_presence, if the plugin has it.
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
