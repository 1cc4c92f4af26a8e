package azu

import "github.com/azuhost/azuhost/sdk/go/internal/hook"

// Channel is the logic of a channel. Embed [Base] to leave out methods. A channel may also have the methods of
// [Loader], [TimerHandler], [PresenceHandler], [PublishHandler], [PingHandler] and [PongHandler].
type Channel interface {
	// OnConnect decides about a connection before it is upgraded. The result nil accepts it; [Refuse] and
	// [RefuseClose] refuse it. OnConnect may use the connection: messages to it are sent after the upgrade.
	OnConnect(c Conn) error
	// OnMessage handles a message. m.Data is valid until OnMessage returns.
	OnMessage(c Conn, m Message) error
	// OnClose is called exactly once for every accepted connection, whatever closed it. code is the close code, 1006
	// if there was none. The connection has left its rooms, but c.Rooms and c.User still return its rooms and its user.
	OnClose(c Conn, code int, reason string) error
}

// Base has the methods of Channel, to be embedded. It accepts every connection and ignores messages.
type Base struct{}

// OnConnect accepts the connection.
func (Base) OnConnect(Conn) error { return nil }

// OnMessage ignores the message.
func (Base) OnMessage(Conn, Message) error { return nil }

// OnClose does nothing.
func (Base) OnClose(Conn, int, string) error { return nil }

// Loader is an optional interface of a channel that has a config.
type Loader interface {
	// OnLoad gets the config of the route as JSON, "{}" if there is none. It runs once in every new instance, before
	// its first event. Its effects take place for the first instance of a version only. If it returns an error, the
	// host refuses the plugin or the new version.
	OnLoad(config []byte) error
}

// TimerHandler is an optional interface of a channel that sets timers.
type TimerHandler interface {
	// OnTimer is called when a timer fires. c is 0 for a timer of the channel.
	OnTimer(c Conn, name string) error
}

// PresenceHandler is an optional interface of a channel that needs changes of presence. The program must also import
// sdk/go/onpresence.
type PresenceHandler interface {
	// OnPresence is called when a user joins or leaves a room, or the channel if room is empty. A user leaves when the
	// grace of the route has passed since the user's last connection closed.
	OnPresence(room Room, user User, joined bool) error
}

// PublishHandler is an optional interface of a channel that decides about messages from outside: from the HTTP API, the
// command line, or the program that embeds the host. The program must also import sdk/go/onpublish.
type PublishHandler interface {
	// OnPublish decides about a message. The host does not deliver the message itself: to.Send(m) does. [Refuse]
	// refuses the message with a status. A message to several users is one call for each of them. m.Data is valid
	// until OnPublish returns.
	OnPublish(to Target, m Message) error
}

// PingHandler is an optional interface of a channel that needs pings. The host has answered them. The program must also
// import sdk/go/onping.
type PingHandler interface {
	// OnPing gets the payload of a ping. It is valid until OnPing returns.
	OnPing(c Conn, payload []byte) error
}

// PongHandler is an optional interface of a channel that needs pongs. The program must also import sdk/go/onpong.
type PongHandler interface {
	// OnPong gets the payload of a pong. It is valid until OnPong returns.
	OnPong(c Conn, payload []byte) error
}

// The channel of the program, and its optional interfaces. They are nil if the channel does not have them.
var (
	channel    Channel
	onTimer    TimerHandler
	onPing     PingHandler
	onPong     PongHandler
	onPresence PresenceHandler
	onPublish  PublishHandler
)

// Register makes ch the channel of this program. Call it once, in an init function. Register panics if it is called
// twice, and if ch has an optional method whose hook the program does not export.
func Register(ch Channel) {
	if channel != nil {
		panic("azu: Register was called twice: a plugin is one channel")
	}
	setChannel(ch)
}

func setChannel(ch Channel) {
	channel = ch
	onTimer, _ = ch.(TimerHandler)
	onPing, _ = ch.(PingHandler)
	onPong, _ = ch.(PongHandler)
	onPresence, _ = ch.(PresenceHandler)
	onPublish, _ = ch.(PublishHandler)
	requireExport(onPing != nil, hook.HasPing, "OnPing", "onping")
	requireExport(onPong != nil, hook.HasPong, "OnPong", "onpong")
	requireExport(onPresence != nil, hook.HasPresence, "OnPresence", "onpresence")
	requireExport(onPublish != nil, hook.HasPublish, "OnPublish", "onpublish")
}

// requireExport panics if the channel has a method whose hook is not exported, so that the host would never call it.
func requireExport(hasMethod, exported bool, name, pkg string) {
	if hasMethod && !exported {
		panic("azu: the channel has " + name + ", but the hook is not exported: " +
			"add import _ \"github.com/azuhost/azuhost/sdk/go/" + pkg + "\"")
	}
}
