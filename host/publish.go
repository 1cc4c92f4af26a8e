package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// What the program around the host sends, and with it the HTTP API and the CLI.
// It takes effect at once: a Channel that is written in Go uses its Env instead,
// where what a hook asks for happens together or not at all.

// ErrUnknownRoute says that no route has the path.
var ErrUnknownRoute = errors.New("no such route")

// maxUsers bounds the users of one publication.
const maxUsers = 10_000

// Publication is a message from outside of the channels, and whom it is for:
// exactly one of Room, Users and All is set.
type Publication struct {
	// Route is the path of a route as Options.Routes has it, "/rooms/:room_id".
	// Empty, with Users or All: every route.
	Route string `json:"route,omitempty"`

	// Room: every member of this room. A room without members is no error.
	Room string `json:"room,omitempty"`
	// Users: every connection of these users, at most 10,000 of them. A user
	// without connections is no error.
	Users []string `json:"users,omitempty"`
	// All: every connection.
	All bool `json:"all,omitempty"`

	// Kind of the message. 0: abi.Text.
	Kind abi.Kind `json:"kind,omitempty"`
	// Data is the message: at most Limits.HookBytes of the route, and valid UTF-8
	// if it is text.
	Data []byte `json:"data,omitempty"`

	// Key makes the publication idempotent: with the same key again, within 5
	// minutes and the last 10,000 keys of this node, nothing happens and the
	// first Delivery is the answer. A publication that failed may be tried again with
	// its key, unless the error wraps ErrKeySpent. It is a name of 1 to 255 bytes.
	// Empty: none.
	Key string `json:"key,omitempty"`
}

// Delivery says what became of a publication or a disconnection.
type Delivery struct {
	// Sockets is how many connections it was addressed to. A connection may
	// end, or be too slow, before it gets it.
	Sockets int `json:"sockets"`
	// Nodes is how many nodes those are on, each counted once.
	Nodes int `json:"nodes"`
	// Partial: not all nodes have said how many it reached there: one was slow, or
	// there is no link to them now. With a history they get it later.
	Partial bool `json:"partial,omitempty"`
	// Duplicate: the Key was there before, and nothing happened now.
	Duplicate bool `json:"duplicate,omitempty"`
	// Epoch and Offset are the message's place in the history of its room. 0: it
	// has none.
	Epoch  string `json:"epoch,omitempty"`
	Offset uint64 `json:"offset,omitempty"`
}

// RefusedError is the answer of a channel whose on_publish did not want a message.
type RefusedError struct {
	Route  string
	Status int    // 400 to 599
	Text   string // what the hook said; may be empty
}

func (e *RefusedError) Error() string {
	s := fmt.Sprintf("route %s: on_publish refused with %d", e.Route, e.Status)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// HookError is the error of a hook that returned an error which is not a refusal.
type HookError = plugin.HookError

// Fault is the error of a hook that trapped or exceeded a limit.
type Fault = plugin.Fault

// Publish sends a message to a room, users or everybody. A channel that handles
// on_publish is asked first, and in charge: what it does instead happens, and
// Delivery counts that. With several users it is asked for each of them, until it
// traps or spends its budget: it is not asked about the rest.
//
// Errors wrap ErrUnknownRoute, abi.Invalid and abi.Limit for a publication that
// can not be, ErrKeyReused, *KeySpentError, *RefusedError, *HookError or *Fault if
// on_publish failed, or abi.Unavailable while there is nobody to ask. Where a message is for several routes or users and some fail,
// the others get it: Delivery counts those, and the error has the first few.
func (h *Host) Publish(ctx context.Context, p Publication) (d Delivery, err error) {
	defer func() { h.metrics.countPublication(p, d, err) }()
	if p.Kind == 0 {
		p.Kind = abi.Text
	}
	channels, err := h.check(p)
	if err != nil {
		return Delivery{}, err
	}
	if h.closing.Load() {
		return Delivery{}, fmt.Errorf("the host is closing: %w", abi.Unavailable)
	}
	if p.Key == "" {
		return publish(ctx, channels, p)
	}
	return h.keys.do(ctx, p, func() (Delivery, error) { return publish(ctx, channels, p) })
}

// countPublication counts a publication by its target and its result.
func (m *metrics) countPublication(p Publication, d Delivery, err error) {
	target := "all"
	switch {
	case p.Room != "":
		target = "room"
	case len(p.Users) > 0:
		target = "users"
	}
	var refused *RefusedError
	result := "failed"
	switch {
	case d.Duplicate:
		result = "duplicate"
	case err == nil:
		result = "delivered"
	case errors.As(err, &refused):
		result = "refused"
	case errors.Is(err, abi.Invalid), errors.Is(err, abi.Limit), errors.Is(err, ErrUnknownRoute), errors.Is(err, ErrKeyReused):
		result = "invalid"
	}
	m.published.WithLabelValues(target, result).Inc()
}

// publish publishes to each channel. Errors of one are no reason to leave out another.
func publish(ctx context.Context, channels []*routeRuntime, p Publication) (Delivery, error) {
	var sum reach
	var failed failures
	for _, rt := range channels {
		sum.add(rt.publish(ctx, p, &failed))
	}
	return sum.delivery(), failed.join()
}

// maxFailures bounds the errors of one publication that are told, of up to 10,000
// users on every route.
const maxFailures = 5

// failures gathers the errors of a publication: the first few, and how many more.
type failures struct {
	first []error
	more  int
}

func (f *failures) add(err error) {
	switch {
	case err == nil:
	case len(f.first) < maxFailures:
		f.first = append(f.first, err)
	default:
		f.more++
	}
}

// join gives the errors as one; nil: there are none.
func (f *failures) join() error {
	err := errors.Join(f.first...)
	if f.more > 0 {
		err = fmt.Errorf("%w\nand %d more", err, f.more)
	}
	return err
}

// check says what is wrong with a publication, and finds the channels that it
// is for.
func (h *Host) check(p Publication) ([]*routeRuntime, error) {
	targets := 0
	for _, set := range []bool{p.Room != "", len(p.Users) > 0, p.All} {
		if set {
			targets++
		}
	}
	switch {
	case targets != 1:
		return nil, fmt.Errorf("a message is for a room, for users or for all: set exactly one of them: %w", abi.Invalid)
	case p.Route == "" && p.Room != "":
		return nil, fmt.Errorf("room %q: say on which route: %w", p.Room, abi.Invalid)
	case len(p.Users) > maxUsers:
		return nil, fmt.Errorf("%d users: a message is for %d at most: %w", len(p.Users), maxUsers, abi.Limit)
	case !p.Kind.Valid():
		return nil, fmt.Errorf("kind %d is neither text nor binary: %w", p.Kind, abi.Invalid)
	case p.Kind == abi.Text && !utf8.Valid(p.Data):
		return nil, fmt.Errorf("text that is not UTF-8: send it as binary: %w", abi.Invalid)
	}
	names := slices.Clone(p.Users)
	for _, n := range []string{p.Room, p.Key} {
		if n != "" {
			names = append(names, n)
		}
	}
	if err := checkNames(names...); err != nil {
		return nil, err
	}
	channels, err := h.routesOf(p.Route)
	if err != nil {
		return nil, err
	}
	for _, rt := range channels {
		if most := rt.settings.Load().limits.HookBytes; len(p.Data) > most {
			return nil, fmt.Errorf("a message of %d bytes, and limits.hook_bytes of route %s is %d: %w", len(p.Data), rt.pattern, most, abi.Limit)
		}
	}
	return channels, nil
}

// publish asks on_publish, where the channel has it, and else delivers.
func (rt *routeRuntime) publish(ctx context.Context, p Publication, failed *failures) (sum reach) {
	if !rt.settings.Load().logic.Has(abi.OnPublish) {
		return rt.deliver(ctx, target{p.Room, p.Users}, frame.Append(nil, p.Kind, p.Data))
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
		sent, err := rt.ask(ctx, to, p, &receipts)
		sum.add(rt.local(sent))
		failed.add(err)
		if hopeless(err) {
			break
		}
		if len(receipts) >= usersAtOnce {
			sum.settle(ctx, receipts)
			receipts = receipts[:0]
		}
	}
	sum.settle(ctx, receipts)
	return sum
}

// hopeless says that there is no use in asking about the next user: on_publish trapped
// or spent its budget, which would be one fault more, or there is nobody to ask.
func hopeless(err error) bool {
	var fault *plugin.Fault
	return errors.As(err, &fault) || errors.Is(err, abi.Unavailable)
}

// ask runs on_publish for a message to a room, one user or all. It says to how many
// connections of this node it sent; receipts gets those of what it sent over a broker.
func (rt *routeRuntime) ask(ctx context.Context, to Target, p Publication, receipts *[]broker.PendingReceipt) (sent int, err error) {
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
	return 0, fmt.Errorf("route %s: on_publish: %w", rt.pattern, err)
}

// routesOf finds the channel of a path, or all of them for an empty one.
func (h *Host) routesOf(path string) ([]*routeRuntime, error) {
	if path == "" {
		return h.runtimes(), nil
	}
	rt, err := h.route(path)
	if err != nil {
		return nil, err
	}
	return []*routeRuntime{rt}, nil
}

// route finds the channel of a path and checks names.
func (h *Host) route(path string, names ...string) (*routeRuntime, error) {
	rt := h.runtime(path)
	if rt == nil {
		var known []string
		for _, rt := range h.runtimes() {
			known = append(known, rt.pattern)
		}
		return nil, fmt.Errorf("%w as %q; there are: %s", ErrUnknownRoute, path, strings.Join(known, ", "))
	}
	return rt, checkNames(names...)
}

func checkNames(names ...string) error {
	for _, n := range names {
		if !naming.Valid(n) {
			return fmt.Errorf("name %q: want 1 to %d bytes of UTF-8 without control characters: %w", n, abi.MaxName, abi.Invalid)
		}
	}
	return nil
}
