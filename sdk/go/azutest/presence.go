package azutest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/hook"
)

// connected says who is where by a connection.
func (h *Host) connected() map[presence]bool {
	here := map[presence]bool{}
	for id, user := range h.user {
		if !h.clients[id].open {
			continue // its on_close runs
		}
		here[presence{"", user}] = true
		for _, room := range h.rooms[id] {
			here[presence{room, user}] = true
		}
	}
	return here
}

// present lists the users in a room, or in the channel if room is empty: the
// connected ones, and those within the grace.
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

// tellPresence brings presence up to date and runs the hooks for it. It says
// whether any ran.
func (h *Host) tellPresence() bool {
	type event struct {
		presence
		join int32
	}
	var events []event
	here := h.connected()
	for p := range here {
		if _, known := h.presence[p]; !known {
			events = append(events, event{p, 1})
		}
		h.presence[p] = time.Time{}
	}
	for p, until := range h.presence {
		switch {
		case here[p]:
		case until.IsZero() && h.opts.PresenceGrace > 0:
			h.presence[p] = h.now.Add(h.opts.PresenceGrace)
		case !h.now.Before(until):
			delete(h.presence, p)
			events = append(events, event{p, 0})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.user, b.user))
	})
	for _, e := range events {
		if !hook.HasPresence {
			continue
		}
		tx := h.run(0, e.room+"\n"+e.user, func(n uint32) int32 { return hook.Presence(n, e.join) })
		if !tx.failed() {
			h.deliver(tx.sent)
		}
	}
	return len(events) > 0
}
