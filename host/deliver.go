package host

import (
	"context"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// target is whom a frame is for: a room, users, or with neither everybody.
type target struct {
	room  string
	users []string
}

// deliver sends an encoded frame to those of a target who are connected to
// this node, and says how many that are.
func (ch *channel) deliver(_ context.Context, to target, frame []byte) (Delivery, error) {
	turn := hub.Turn{Hub: ch.hub}
	switch {
	case to.room != "":
		turn.Broadcast([]byte(to.room), frame, 0)
	case len(to.users) > 0:
		seen := make(map[string]struct{}, len(to.users))
		for _, u := range to.users {
			if _, twice := seen[u]; !twice {
				seen[u] = struct{}{}
				turn.SendUser([]byte(u), frame)
			}
		}
	default:
		turn.BroadcastAll(frame, 0)
	}
	turn.Flush()
	return local(turn.Reached), nil
}

// local is what went to so many connections of this node.
func local(sockets int) Delivery {
	d := Delivery{Sockets: sockets}
	if sockets > 0 {
		d.Nodes = 1
	}
	return d
}
