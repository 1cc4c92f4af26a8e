package host

import (
	"context"
	"slices"
	"sync"

	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// target is whom a frame is for: a room, users, or with neither everybody.
type target struct {
	room  string
	users []string
}

// deliver sends an encoded frame to those of a target, on all nodes, and says
// how many connections that are.
func (ch *channel) deliver(ctx context.Context, to target, frame []byte) (Delivery, error) {
	if ch.host.broker != nil {
		return ch.deliverByBroker(ctx, to, frame), nil
	}
	turn := hub.Turn{Hub: ch.hub}
	switch {
	case to.room != "":
		turn.Broadcast([]byte(to.room), frame, 0)
	case len(to.users) > 0:
		for _, u := range distinct(to.users) {
			turn.SendUser([]byte(u), frame)
		}
	default:
		turn.BroadcastAll(frame, 0)
	}
	turn.Flush()
	d := local(turn.Reached)
	d.Epoch, d.Offset = turn.At.Epoch, turn.At.Offset
	return d, nil
}

func distinct(names []string) []string {
	if len(names) == 1 {
		return names
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// usersAtOnce is how many users the nodes are asked about at the same time.
const usersAtOnce = 256

// deliverByBroker is deliver over the nodes of a cluster: each says how many
// of its connections got the message.
func (ch *channel) deliverByBroker(ctx context.Context, to target, frame []byte) (d Delivery) {
	b, m := ch.host.broker, broker.Message{Frame: frame}
	switch {
	case to.room != "":
		return receipt(b.PublishWait(ctx, ch.roomTopic(to.room), m))
	case len(to.users) == 0:
		return receipt(b.PublishWait(ctx, ch.allTopic(), m))
	}
	var mu sync.Mutex
	for users := range slices.Chunk(distinct(to.users), usersAtOnce) {
		var wait sync.WaitGroup
		for _, u := range users {
			wait.Go(func() {
				one := receipt(b.PublishWait(ctx, ch.userTopic(u), m))
				mu.Lock()
				defer mu.Unlock()
				d.add(one)
			})
		}
		wait.Wait()
	}
	return d
}

func receipt(r broker.Receipt) Delivery {
	return Delivery{Sockets: r.Sockets, Nodes: r.Nodes, Partial: r.Partial, Epoch: r.Epoch, Offset: r.Offset}
}

// local is what went to so many connections of this node.
func local(sockets int) Delivery {
	d := Delivery{Sockets: sockets}
	if sockets > 0 {
		d.Nodes = 1
	}
	return d
}
