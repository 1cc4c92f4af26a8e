package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Event is one call of a hook.
type Event = plugin.Event

// Env is what a running hook may ask of the host.
type Env = plugin.Env

// Channel is the logic of a route. A plugin is one, Funcs is one, and a
// program that embeds the host may bring its own.
type Channel interface {
	// Has says whether the channel handles a hook. The host may not call Run
	// for events of others.
	Has(h abi.Hook) bool
	// Run handles an event. When it succeeds, as it does for an event that the
	// channel does not handle, it calls env.Commit before it returns nil, and
	// before another event can see a state that this one has changed; when it
	// fails it returns an error and does not.
	Run(ctx context.Context, ev *Event, env Env) error
}

// ConnID names a connection within its channel on this node.
type ConnID = uint64

// Message is what a client sent. Data is valid during the hook only.
type Message struct {
	Kind abi.Kind
	Data []byte
}

// Refusal is returned by OnConnect to refuse a connection: 400 to 599 before
// the upgrade with that HTTP status, 3000 to 4999 after it with that close code;
// and by OnPublish to refuse a message: 400 to 599.
type Refusal int

func (r Refusal) Error() string { return fmt.Sprintf("refused with %d", int(r)) }

// Funcs is a channel in Go. Functions that are nil accept their events. An
// error undoes what the hook asked for.
type Funcs struct {
	OnConnect  func(env Env, conn ConnID) error
	OnMessage  func(env Env, conn ConnID, m Message) error
	OnClose    func(env Env, conn ConnID, code int, reason string) error
	OnTimer    func(env Env, conn ConnID, name string) error
	OnPing     func(env Env, conn ConnID, payload []byte) error
	OnPong     func(env Env, conn ConnID, payload []byte) error
	OnPresence func(env Env, room, user string, join bool) error
	// OnPublish is asked about messages from outside (Host.Publish, the HTTP
	// API), and in charge of them: nothing of the message goes to anybody but
	// what it sends itself. A Refusal of 400 to 599 is the publisher's answer.
	OnPublish func(env Env, to Target, m Message) error

	// Concurrent runs hooks at the same time. By default they run one at a
	// time, so that they can share state without locks.
	Concurrent bool

	mu sync.Mutex
}

// Has implements Channel.
func (f *Funcs) Has(h abi.Hook) bool {
	switch h {
	case abi.OnConnect:
		return f.OnConnect != nil
	case abi.OnMessage:
		return f.OnMessage != nil
	case abi.OnClose:
		return f.OnClose != nil
	case abi.OnTimer:
		return f.OnTimer != nil
	case abi.OnPing:
		return f.OnPing != nil
	case abi.OnPong:
		return f.OnPong != nil
	case abi.OnPresence:
		return f.OnPresence != nil
	case abi.OnPublish:
		return f.OnPublish != nil
	}
	return false
}

// Run implements Channel.
func (f *Funcs) Run(_ context.Context, ev *Event, env Env) error {
	if !f.Concurrent {
		f.mu.Lock()
		defer f.mu.Unlock()
	}
	if f.Has(ev.Hook) && !plugin.Lapsed(ev, env) {
		if err := f.call(ev, env); err != nil {
			return err
		}
	}
	return env.Commit()
}

func (f *Funcs) call(ev *Event, env Env) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &plugin.Fault{Hook: ev.Hook, Reason: plugin.Panicked, Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	switch ev.Hook {
	case abi.OnConnect:
		err = f.OnConnect(env, ev.Conn)
	case abi.OnMessage:
		err = f.OnMessage(env, ev.Conn, Message{abi.Kind(ev.Arg), ev.Data})
	case abi.OnClose:
		err = f.OnClose(env, ev.Conn, int(ev.Arg), string(ev.Data))
	case abi.OnTimer:
		err = f.OnTimer(env, ev.Conn, string(ev.Data))
	case abi.OnPing:
		err = f.OnPing(env, ev.Conn, ev.Data)
	case abi.OnPong:
		err = f.OnPong(env, ev.Conn, ev.Data)
	case abi.OnPresence:
		room, user := splitPresence(ev.Data)
		err = f.OnPresence(env, room, user, abi.PresenceEvent(ev.Arg) == abi.PresenceJoin)
	case abi.OnPublish:
		to, data := splitPublish(ev.Data)
		err = f.OnPublish(env, to, Message{abi.Kind(ev.Arg), data})
	}
	if err == nil {
		return nil
	}
	code := int32(abi.Failed)
	var r Refusal
	if errors.As(err, &r) {
		code = int32(r)
	}
	return &plugin.HookError{Hook: ev.Hook, Code: code, Text: err.Error()}
}
