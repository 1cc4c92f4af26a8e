package azutest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/hook"
)

// presence is a user in a room, or in the channel if room is empty. Host.presence has the time at which the user's
// grace ends; it is zero while the user is connected.
type presence struct{ room, user string }

// connected returns the users that have a connection, in the rooms of the connection.
func (h *Host) connected() map[presence]bool {
	set := map[presence]bool{}
	for id, user := range h.users {
		if !h.clients[id].open {
			continue // its on_close runs
		}
		set[presence{"", user}] = true
		for _, room := range h.rooms[id] {
			set[presence{room, user}] = true
		}
	}
	return set
}

// present returns the users in a room, sorted: those that are connected, and those within their grace. An empty room
// means the channel.
func (h *Host) present(room string) []string {
	users := map[string]bool{}
	for p := range h.connected() {
		if p.room == room {
			users[p.user] = true
		}
	}
	for p := range h.presence {
		if p.room == room && h.opts.PresenceGrace > 0 {
			users[p.user] = true
		}
	}
	return slices.Sorted(maps.Keys(users))
}

// announcePresence updates Host.presence and runs on_presence for each change. It returns whether there were changes.
func (h *Host) announcePresence() bool {
	type change struct {
		presence
		joined int32
	}
	var changes []change
	connected := h.connected()
	for p := range connected {
		if _, known := h.presence[p]; !known {
			changes = append(changes, change{p, 1})
		}
		h.presence[p] = time.Time{}
	}
	for p, until := range h.presence {
		switch {
		case connected[p]:
		case until.IsZero() && h.opts.PresenceGrace > 0:
			h.presence[p] = h.now.Add(h.opts.PresenceGrace)
		case !h.now.Before(until):
			delete(h.presence, p)
			changes = append(changes, change{p, 0})
		}
	}
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.user, b.user))
	})
	for _, c := range changes {
		if !hook.HasPresence {
			continue
		}
		ev := event{data: c.room + "\n" + c.user}
		tx := h.run(ev, func(n uint32) int32 { return hook.Presence(n, c.joined) })
		if !tx.failed() {
			h.deliver(tx.sent)
		}
	}
	return len(changes) > 0
}
