package azu

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/azuhost/azuhost/sdk/go/internal/hook"
	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// inbox is where the host writes an event's bytes. It is as large as the
// host's default limit of a message.
var inbox [64 << 10]byte

// An event, as the host counts them.
func init() {
	hook.Version = version
	hook.Connect = handleConnect
	hook.Message = handleMessage
	hook.Close = handleClose
	hook.Load = handleLoad
	hook.Timer = handleTimer
	hook.Ping = handlePing
	hook.Pong = handlePong
	hook.Presence = handlePresence
	hook.Publish = handlePublish
	hook.Inbox = func() []byte { return inbox[:] }
	hook.Use = func(ch any) any {
		before := channel
		channel, onTimer, onPing, onPong, onPresence, onPublish = nil, nil, nil, nil, nil, nil
		if ch, ok := ch.(Channel); ok && ch != nil {
			use(ch)
		}
		if before == nil {
			return nil
		}
		return before
	}
}

// version is azu_v1: where the inbox is.
func version() uint64 {
	if channel == nil {
		panic("azu: no channel: call azu.Register in an init function")
	}
	return uint64(uintptr(unsafe.Pointer(&inbox)))<<32 | uint64(len(inbox))
}

// event gives the n bytes of the event. What does not fit the inbox is not in
// it and has to be fetched.
func event(n uint32) []byte {
	if n <= uint32(len(inbox)) {
		return inbox[:n:n]
	}
	large := make([]byte, n)
	if got := raw.Read(&large[0], 0, n); got != int32(n) {
		panic("azu: the host gave less of an event than it announced")
	}
	return large
}

func handleConnect(conn uint64, n uint32) (code int32) {
	defer guard(&code)
	target = event(n)
	err := channel.OnConnect(Conn(conn))
	target = nil
	return answer(err)
}

// answer is fail that lets a refusal be one.
func answer(err error) int32 {
	if r, ok := asRefusal(err); ok {
		return int32(r)
	}
	return fail(err)
}

func handleMessage(conn uint64, n uint32, kind int32) (code int32) {
	defer guard(&code)
	return fail(channel.OnMessage(Conn(conn), Message{Kind(kind), event(n)}))
}

func handleClose(conn uint64, n uint32, status int32) (code int32) {
	defer guard(&code)
	return fail(channel.OnClose(Conn(conn), int(status), string(event(n))))
}

func handleLoad(n uint32) (code int32) {
	defer guard(&code)
	if l, ok := channel.(Loader); ok {
		return fail(l.OnLoad(event(n)))
	}
	return 0
}

func handleTimer(conn uint64, n uint32) (code int32) {
	defer guard(&code)
	name := string(event(n))
	if own, ok := strings.CutPrefix(name, timerPrefix); ok && conn == 0 {
		return fail(fire(own))
	}
	if onTimer != nil {
		return fail(onTimer.OnTimer(Conn(conn), name))
	}
	return 0
}

func handlePing(conn uint64, n uint32) (code int32) {
	defer guard(&code)
	if onPing != nil {
		return fail(onPing.OnPing(Conn(conn), event(n)))
	}
	return 0
}

func handlePong(conn uint64, n uint32) (code int32) {
	defer guard(&code)
	if onPong != nil {
		return fail(onPong.OnPong(Conn(conn), event(n)))
	}
	return 0
}

func handlePresence(n uint32, joined int32) (code int32) {
	defer guard(&code)
	if onPresence == nil {
		return 0
	}
	room, user, _ := strings.Cut(string(event(n)), "\n")
	return fail(onPresence.OnPresence(Room(room), User(user), joined == 1))
}

func handlePublish(n uint32, kind int32) (code int32) {
	defer guard(&code)
	if onPublish == nil {
		return 0
	}
	word, rest, _ := bytes.Cut(event(n), []byte{'\n'})
	name, data, _ := bytes.Cut(rest, []byte{'\n'})
	var to Target
	switch string(word) {
	case "room":
		to.Room = Room(name)
	case "user":
		to.User = User(name)
	}
	return answer(onPublish.OnPublish(to, Message{Kind(kind), data}))
}

// fail tells the host why the hook fails, if it does, and gives the hook's
// answer.
func fail(err error) int32 {
	if err == nil {
		return 0
	}
	return raw.Fail(err.Error())
}
