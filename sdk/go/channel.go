package azu

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

// Channel is the logic of a channel. Embed [Base] to leave methods out. A
// channel may also have the methods of [Loader], [TimerHandler],
// [PresenceHandler], [PublishHandler], [PingHandler] and [PongHandler].
type Channel interface {
	// OnConnect decides about a connection before it is upgraded. nil
	// accepts it; [Refuse] and [RefuseClose] make other answers. The
	// connection can be used at once: what is sent goes out after the upgrade.
	OnConnect(c Conn) error
	// OnMessage handles a message. m.Data is valid until it returns.
	OnMessage(c Conn, m Message) error
	// OnClose is called exactly once for every accepted connection, whatever
	// ended it. code is the close code, 1006 if there was none. c has left its
	// rooms already, but c.Rooms and c.User still tell where and who it was.
	OnClose(c Conn, code int, reason string) error
}

// Base has the methods of Channel: it accepts every connection and does
// nothing with messages. It is there to be embedded.
type Base struct{}

// OnConnect accepts the connection.
func (Base) OnConnect(Conn) error { return nil }

// OnMessage drops the message.
func (Base) OnMessage(Conn, Message) error { return nil }

// OnClose does nothing.
func (Base) OnClose(Conn, int, string) error { return nil }

// Loader is a channel that takes a config.
type Loader interface {
	// OnLoad gets the config of the route as JSON, "{}" if there is none. It
	// runs once in every new instance, before its first event; what it asks
	// for takes effect in the first instance of a version only. An error
	// refuses the plugin, or the new version of it.
	OnLoad(config []byte) error
}

// TimerHandler is a channel that sets timers.
type TimerHandler interface {
	// OnTimer is called when a timer is due. c is 0 for a timer of the channel.
	OnTimer(c Conn, name string) error
}

// PresenceHandler is a channel that wants to know who comes and goes. The
// program has to import sdk/go/onpresence as well.
type PresenceHandler interface {
	// OnPresence is called when a user became present in a room, or stopped
	// being so; room is empty for the channel. A user leaves when the grace
	// of the route has passed since its last connection went.
	OnPresence(room Room, user User, joined bool) error
}

// PublishHandler is a channel that is asked about messages from outside: from
// the HTTP API, the CLI, or the program around the host. The program has to import
// sdk/go/onpublish as well.
type PublishHandler interface {
	// OnPublish decides about a message. The channel is in charge: what OnPublish
	// sends when it returns nil goes out, and nothing else does, so
	// to.Send(m) is to let it pass. [Refuse] refuses it with that status. A
	// message to several users is one call for each of them. m.Data is valid
	// until it returns.
	OnPublish(to Target, m Message) error
}

// PingHandler is a channel that wants to see pings. The host has answered
// already. The program has to import sdk/go/onping as well.
type PingHandler interface {
	// OnPing gets the payload of a ping; it is valid until OnPing returns.
	OnPing(c Conn, payload []byte) error
}

// PongHandler is a channel that wants to see pongs. The program has to import
// sdk/go/onpong as well.
type PongHandler interface {
	// OnPong gets the payload of a pong; it is valid until OnPong returns.
	OnPong(c Conn, payload []byte) error
}

var (
	channel    Channel
	onTimer    TimerHandler
	onPing     PingHandler
	onPong     PongHandler
	onPresence PresenceHandler
	onPublish  PublishHandler
)

// Register makes ch the channel of this program. Call it once, in an init
// function. It panics if called twice, and if ch has an optional method whose
// hook the program does not export.
func Register(ch Channel) {
	if channel != nil {
		panic("azu: Register was called twice: a plugin is one channel")
	}
	use(ch)
}

func use(ch Channel) {
	channel = ch
	onTimer, _ = ch.(TimerHandler)
	onPing, _ = ch.(PingHandler)
	onPong, _ = ch.(PongHandler)
	onPresence, _ = ch.(PresenceHandler)
	onPublish, _ = ch.(PublishHandler)
	need(onPing != nil, hook.HasPing, "OnPing", "onping")
	need(onPong != nil, hook.HasPong, "OnPong", "onpong")
	need(onPresence != nil, hook.HasPresence, "OnPresence", "onpresence")
	need(onPublish != nil, hook.HasPublish, "OnPublish", "onpublish")
}

// need makes sure that a method that exists will be called.
func need(method, exported bool, name, pkg string) {
	if method && !exported {
		panic("azu: the channel has " + name + ", but the hook is not exported: add import _ \"github.com/azuhost/azuhost/sdk/go/" + pkg + "\"")
	}
}
