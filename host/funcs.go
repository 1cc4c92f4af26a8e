package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Channel is the logic of a route in Go. [Funcs] implements it with functions; a
// program may also implement it itself.
type Channel interface {
	// Has reports whether the channel handles a hook. The host does not call
	// Run for other hooks.
	Has(h abi.Hook) bool
	// Run handles an event. The changes that it makes through env take effect
	// if it returns nil. It returns a Refusal to refuse a connection or a
	// publication. Run may be called concurrently, but not for the same
	// connection; changes of hooks that run at the same time take effect in any
	// order.
	Run(ctx context.Context, ev *Event, env Env) error
}

// Message is a message of a client. Data is valid during the hook only.
type Message struct {
	Kind abi.Kind
	Data []byte
}

// Refusal is the error with which a hook refuses. OnConnect refuses a
// connection: with 400 to 599 as the HTTP status of the handshake, with 3000 to
// 4999 as the close code after it. OnPublish refuses a publication with 400 to
// 599, which its publisher gets as [RefusedError].
type Refusal int

func (r Refusal) Error() string { return fmt.Sprintf("refused with %d", int(r)) }

// Funcs is a [Channel] made of functions. A nil function accepts its events.
// A function that returns an error changes nothing.
type Funcs struct {
	OnConnect  func(env Env, conn ConnID) error
	OnMessage  func(env Env, conn ConnID, m Message) error
	OnClose    func(env Env, conn ConnID, code int, reason string) error
	OnTimer    func(env Env, conn ConnID, name string) error
	OnPing     func(env Env, conn ConnID, payload []byte) error
	OnPong     func(env Env, conn ConnID, payload []byte) error
	OnPresence func(env Env, room, user string, join bool) error
	// OnPublish handles publications of Host.Publish and the HTTP API. The host
	// delivers only what the function sends itself.
	OnPublish func(env Env, to Target, m Message) error

	// Concurrent runs hooks at the same time. By default they run one at a
	// time, so that they can share state without locks.
	Concurrent bool

	// mu is held while a hook runs and its changes take effect, unless
	// Concurrent is set.
	mu sync.Mutex
}

// Has implements [Channel].
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

// Run implements [Channel]. It calls the function of the event's hook.
func (f *Funcs) Run(_ context.Context, ev *Event, env Env) error {
	if !f.Has(ev.Hook) {
		return nil
	}
	switch ev.Hook {
	case abi.OnConnect:
		return f.OnConnect(env, ev.Conn)
	case abi.OnMessage:
		return f.OnMessage(env, ev.Conn, Message{abi.Kind(ev.Arg), ev.Data})
	case abi.OnClose:
		return f.OnClose(env, ev.Conn, int(ev.Arg), string(ev.Data))
	case abi.OnTimer:
		return f.OnTimer(env, ev.Conn, string(ev.Data))
	case abi.OnPing:
		return f.OnPing(env, ev.Conn, ev.Data)
	case abi.OnPong:
		return f.OnPong(env, ev.Conn, ev.Data)
	case abi.OnPresence:
		room, user := splitPresence(ev.Data)
		return f.OnPresence(env, room, user, abi.PresenceEvent(ev.Arg) == abi.PresenceJoin)
	case abi.OnPublish:
		to, data := splitPublish(ev.Data)
		return f.OnPublish(env, to, Message{abi.Kind(ev.Arg), data})
	}
	return nil
}

// logic runs the hooks of a route. *plugin.Plugin and channelLogic implement it.
type logic interface {
	Has(h abi.Hook) bool
	Run(ctx context.Context, ev *plugin.Event, env plugin.Env) error
}

// channelLogic runs the hooks of a channel in Go.
type channelLogic struct {
	channel Channel
	serial  *sync.Mutex // nil: hooks may run at the same time
}

func newChannelLogic(c Channel) channelLogic {
	l := channelLogic{channel: c}
	if f, ok := c.(*Funcs); ok && !f.Concurrent {
		l.serial = &f.mu
	}
	return l
}

// Has implements logic.
func (l channelLogic) Has(h abi.Hook) bool { return l.channel.Has(h) }

// Run implements logic. A timer whose connection has ended while it waited for
// the lock is dropped.
func (l channelLogic) Run(ctx context.Context, ev *plugin.Event, env plugin.Env) error {
	if l.serial != nil {
		l.serial.Lock()
		defer l.serial.Unlock()
	}
	if l.Has(ev.Hook) && !plugin.Expired(ev, env) {
		if err := l.channel.Run(ctx, (*Event)(ev), (*channelEnv)(env.(*call))); err != nil {
			return hookError(ev.Hook, err)
		}
	}
	return env.Commit()
}

// hookError returns the error of a channel in Go as that of a hook.
func hookError(h abi.Hook, err error) error {
	var he *plugin.HookError
	if errors.As(err, &he) {
		return err
	}
	code := int32(abi.Failed)
	var r Refusal
	if errors.As(err, &r) {
		code = int32(r)
	}
	return &plugin.HookError{Hook: h, Code: code, Text: err.Error()}
}
