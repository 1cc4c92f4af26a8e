package host

import (
	"context"
	"slices"
	"sync"

	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// recipients names the recipients of a frame: the members of a room, the connections of
// users, or all connections if both are empty.
type recipients struct {
	room  string
	users []string
}

// deliveryCount adds up a Delivery. It keeps the names of the nodes, so that each is
// counted once.
type deliveryCount struct {
	Delivery
	nodes map[string]struct{}
}

// delivery returns the sum.
func (r *deliveryCount) delivery() Delivery {
	r.Nodes = len(r.nodes)
	return r.Delivery
}

// addNode counts a node.
func (r *deliveryCount) addNode(node string) {
	if r.nodes == nil {
		r.nodes = map[string]struct{}{}
	}
	r.nodes[node] = struct{}{}
}

// add adds the count of another route, of another user, or of another receipt.
func (r *deliveryCount) add(more deliveryCount) {
	r.Sockets += more.Sockets
	r.Partial = r.Partial || more.Partial
	if more.Offset > 0 {
		r.Epoch, r.Offset = more.Epoch, more.Offset
	}
	for node := range more.nodes {
		r.addNode(node)
	}
}

// await waits for the receipts of the messages that a hook has sent, and adds them. It
// drops their positions, which are not that of the publication.
func (r *deliveryCount) await(ctx context.Context, receipts []broker.PendingReceipt) {
	for _, p := range receipts {
		one := p.Wait(ctx)
		one.Position = broker.Position{}
		r.add(clusterDelivery(one))
	}
}

// clusterDelivery returns what the nodes have reported in a receipt.
func clusterDelivery(r broker.Receipt) deliveryCount {
	sum := deliveryCount{Delivery: Delivery{Sockets: r.Sockets, Partial: r.Partial, Epoch: r.Epoch, Offset: r.Offset}}
	for _, node := range r.Nodes {
		sum.addNode(node)
	}
	return sum
}

// localDelivery returns a delivery to connections of this node.
func (rt *routeRuntime) localDelivery(sockets int) deliveryCount {
	return nodeDelivery(rt.host.node, sockets)
}

// nodeDelivery returns a delivery to connections of one node.
func nodeDelivery(node string, sockets int) deliveryCount {
	r := deliveryCount{Delivery: Delivery{Sockets: sockets}}
	if sockets > 0 {
		r.addNode(node)
	}
	return r
}

// deliver sends an encoded frame to its recipients on all nodes, and counts them.
func (rt *routeRuntime) deliver(ctx context.Context, to recipients, frame []byte) deliveryCount {
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
	r := rt.localDelivery(outbox.Reached)
	r.Epoch, r.Offset = outbox.LastPosition.Epoch, outbox.LastPosition.Offset
	return r
}

// distinct returns names sorted, each once.
func distinct(names []string) []string {
	if len(names) == 1 {
		return names
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// usersAtOnce bounds the users whose receipts are awaited at the same time.
const usersAtOnce = 256

// deliverByBroker is deliver in a cluster. Each node reports how many of its
// connections the message was addressed to.
func (rt *routeRuntime) deliverByBroker(ctx context.Context, to recipients, frame []byte) (sum deliveryCount) {
	b, m := rt.host.broker, broker.Message{Frame: frame}
	switch {
	case to.room != "":
		return clusterDelivery(b.PublishAndWait(ctx, rt.roomTopic(to.room), m))
	case len(to.users) == 0:
		return clusterDelivery(b.PublishAndWait(ctx, rt.allTopic(), m))
	}
	var mu sync.Mutex
	for users := range slices.Chunk(distinct(to.users), usersAtOnce) {
		var wait sync.WaitGroup
		for _, u := range users {
			wait.Go(func() {
				one := clusterDelivery(b.PublishAndWait(ctx, rt.userTopic(u), m))
				mu.Lock()
				defer mu.Unlock()
				sum.add(one)
			})
		}
		wait.Wait()
	}
	return sum
}
