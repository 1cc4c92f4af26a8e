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

// reach is a Delivery that is being counted: it knows the nodes by their names.
type reach struct {
	Delivery
	nodes map[string]struct{}
}

// delivery is what has been counted.
func (r *reach) delivery() Delivery {
	r.Nodes = len(r.nodes)
	return r.Delivery
}

// at counts a node.
func (r *reach) at(node string) {
	if r.nodes == nil {
		r.nodes = map[string]struct{}{}
	}
	r.nodes[node] = struct{}{}
}

// add counts what went to another route, or in another way.
func (r *reach) add(more reach) {
	r.Sockets += more.Sockets
	r.Partial = r.Partial || more.Partial
	if more.Offset > 0 {
		r.Epoch, r.Offset = more.Epoch, more.Offset
	}
	for node := range more.nodes {
		r.at(node)
	}
}

// settle waits for receipts of what a hook sent, and counts them. The positions of its
// messages are the hook's own affair.
func (r *reach) settle(ctx context.Context, receipts []broker.PendingReceipt) {
	for _, p := range receipts {
		one := p.Wait(ctx)
		one.Position = broker.Position{}
		r.add(reached(one))
	}
}

// reached is what the nodes say of a message.
func reached(r broker.Receipt) reach {
	sum := reach{Delivery: Delivery{Sockets: r.Sockets, Partial: r.Partial, Epoch: r.Epoch, Offset: r.Offset}}
	for _, node := range r.Nodes {
		sum.at(node)
	}
	return sum
}

// local is what went to so many connections of this node.
func (rt *routeRuntime) local(sockets int) reach { return reachOf(rt.host.node, sockets) }

// reachOf is what went to so many connections of a node.
func reachOf(node string, sockets int) reach {
	r := reach{Delivery: Delivery{Sockets: sockets}}
	if sockets > 0 {
		r.at(node)
	}
	return r
}

// deliver sends an encoded frame to those of a target, on all nodes, and says
// how many connections that are.
func (rt *routeRuntime) deliver(ctx context.Context, to target, frame []byte) reach {
	if rt.host.broker != nil {
		return rt.deliverByBroker(ctx, to, frame)
	}
	outbox := hub.Outbox{Hub: rt.hub}
	switch {
	case to.room != "":
		outbox.Broadcast([]byte(to.room), frame, 0)
	case len(to.users) > 0:
		for _, u := range distinct(to.users) {
			outbox.SendUser([]byte(u), frame)
		}
	default:
		outbox.BroadcastAll(frame, 0)
	}
	outbox.Flush()
	r := rt.local(outbox.Reached)
	r.Epoch, r.Offset = outbox.LastPosition.Epoch, outbox.LastPosition.Offset
	return r
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
func (rt *routeRuntime) deliverByBroker(ctx context.Context, to target, frame []byte) (sum reach) {
	b, m := rt.host.broker, broker.Message{Frame: frame}
	switch {
	case to.room != "":
		return reached(b.PublishAndWait(ctx, rt.roomTopic(to.room), m))
	case len(to.users) == 0:
		return reached(b.PublishAndWait(ctx, rt.allTopic(), m))
	}
	var mu sync.Mutex
	for users := range slices.Chunk(distinct(to.users), usersAtOnce) {
		var wait sync.WaitGroup
		for _, u := range users {
			wait.Go(func() {
				one := reached(b.PublishAndWait(ctx, rt.userTopic(u), m))
				mu.Lock()
				defer mu.Unlock()
				sum.add(one)
			})
		}
		wait.Wait()
	}
	return sum
}
