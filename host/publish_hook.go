package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Target is who a publication is for, as OnPublish sees it: the members of a room, the
// connections of a user, or all connections if both are empty.
type Target struct{ Room, User string }

// appendEvent appends the event of on_publish (sdk/ABI.md, "Hooks").
func (t Target) appendEvent(dst, data []byte) []byte {
	kind, name := "all", ""
	switch {
	case t.Room != "":
		kind, name = "room", t.Room
	case t.User != "":
		kind, name = "user", t.User
	}
	dst = append(append(dst, kind...), '\n')
	dst = append(append(dst, name...), '\n')
	return append(dst, data...)
}

// splitPublish splits the event of on_publish.
func splitPublish(b []byte) (to Target, data []byte) {
	kind, rest, _ := bytes.Cut(b, []byte{'\n'})
	name, data, _ := bytes.Cut(rest, []byte{'\n'})
	switch string(kind) {
	case "room":
		to.Room = string(name)
	case "user":
		to.User = string(name)
	}
	return to, data
}

// maxFailures bounds the errors that the error of one publication joins. There may be
// one for each of 10,000 users on every route.
const maxFailures = 5

// failures are the errors of a publication: the first ones, and the number of the
// others.
type failures struct {
	first  []error
	others int
}

func (f *failures) add(err error) {
	switch {
	case err == nil:
	case len(f.first) < maxFailures:
		f.first = append(f.first, err)
	default:
		f.others++
	}
}

// join returns the failures as one error, nil for none.
func (f *failures) join() error {
	err := errors.Join(f.first...)
	if f.others > 0 {
		err = fmt.Errorf("%w\nand %d more", err, f.others)
	}
	return err
}

// publish publishes on each route. An error of one does not stop the others.
func publish(ctx context.Context, routes []*routeRuntime, p Publication) (Delivery, error) {
	var sum deliveryCount
	var failed failures
	for _, rt := range routes {
		sum.add(rt.publish(ctx, p, &failed))
	}
	return sum.delivery(), failed.join()
}

// publish runs on_publish if the channel handles it, and delivers the message itself
// otherwise.
func (rt *routeRuntime) publish(ctx context.Context, p Publication, failed *failures) (sum deliveryCount) {
	if !rt.settings.Load().logic.Has(abi.OnPublish) {
		return rt.deliver(ctx, recipients{p.Room, p.Users}, frame.Append(nil, p.Kind, p.Data))
	}
	targets := []Target{{Room: p.Room}}
	if len(p.Users) > 0 {
		targets = nil
		for _, u := range distinct(p.Users) {
			targets = append(targets, Target{User: u})
		}
	}
	var receipts []broker.PendingReceipt
	for _, to := range targets {
		sent, err := rt.runPublish(ctx, to, p, &receipts)
		sum.add(rt.localDelivery(sent))
		failed.add(err)
		if stopsPublishing(err) {
			break
		}
		if len(receipts) >= usersAtOnce {
			sum.await(ctx, receipts)
			receipts = receipts[:0]
		}
	}
	sum.await(ctx, receipts)
	return sum
}

// stopsPublishing reports whether on_publish is not to run for the next user: it has
// trapped or used up its budget, which would be another fault, or cannot run.
func stopsPublishing(err error) bool {
	var fault *plugin.Fault
	return errors.As(err, &fault) || errors.Is(err, abi.Unavailable)
}

// runPublish runs on_publish for one target. It returns the number of connections of
// this node that the hook has sent to. receipts gets a receipt for each message that
// the hook has sent over a broker.
func (rt *routeRuntime) runPublish(
	ctx context.Context,
	to Target,
	p Publication,
	receipts *[]broker.PendingReceipt,
) (sent int, err error) {
	data := to.appendEvent(make([]byte, 0, len(p.Data)+2*abi.MaxName), p.Data)
	outbox := hub.Outbox{Hub: rt.hub}
	err = rt.run(ctx, invocation{
		event: plugin.Event{Hook: abi.OnPublish, Data: data, Arg: int32(p.Kind)}, outbox: &outbox, receipts: receipts,
	})
	outbox.Flush()
	var he *plugin.HookError
	switch {
	case err == nil:
		return outbox.Reached, nil
	case errors.As(err, &he) && isRefusal(abi.OnPublish, he.Code):
		return 0, &RefusedError{Route: rt.pattern, Status: int(he.Code), Text: he.Text}
	case errors.Is(err, plugin.ErrNotLoaded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return 0, fmt.Errorf("route %s: on_publish: %w: %w", rt.pattern, err, abi.Unavailable)
	}
	return 0, fmt.Errorf("route %s: %w: %w", rt.pattern, ErrHookFailed, err)
}
