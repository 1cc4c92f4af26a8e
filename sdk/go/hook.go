package azu

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/azuhost/azuhost/sdk/go/internal/hook"
	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// inbox is the buffer to which the host writes the bytes of an event. It is as large as the host's default limit of a
// message.
var inbox [64 << 10]byte

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
			setChannel(ch)
		}
		if before == nil {
			return nil
		}
		return before
	}
}

// version is the export azu_v1. It returns the address and the size of the inbox.
func version() uint64 {
	if channel == nil {
		panic("azu: no channel: call azu.Register in an init function")
	}
	return uint64(uintptr(unsafe.Pointer(&inbox)))<<32 | uint64(len(inbox))
}

// event returns the n bytes of the event. An event that does not fit into the inbox is read from the host.
func event(n uint32) []byte {
	if n <= uint32(len(inbox)) {
		return inbox[:n:n]
	}
	large := make([]byte, n)
	if got := raw.Read(&large[0], 0, n); got != int32(n) {
		panic("azu: the host returned less of an event than it announced")
	}
	return large
}

func handleConnect(conn uint64, n uint32) (code int32) {
	defer recoverPanic(&code)
	requestTarget = event(n)
	err := channel.OnConnect(Conn(conn))
	requestTarget = nil
	return resultOrRefusal(err)
}

// resultOrRefusal is result for a hook that may refuse its event.
func resultOrRefusal(err error) int32 {
	if r, ok := asRefusal(err); ok {
		return int32(r)
	}
	return result(err)
}

func handleMessage(conn uint64, n uint32, kind int32) (code int32) {
	defer recoverPanic(&code)
	return result(channel.OnMessage(Conn(conn), Message{Kind(kind), event(n)}))
}

func handleClose(conn uint64, n uint32, status int32) (code int32) {
	defer recoverPanic(&code)
	return result(channel.OnClose(Conn(conn), int(status), string(event(n))))
}

func handleLoad(n uint32) (code int32) {
	defer recoverPanic(&code)
	if l, ok := channel.(Loader); ok {
		return result(l.OnLoad(event(n)))
	}
	return 0
}

func handleTimer(conn uint64, n uint32) (code int32) {
	defer recoverPanic(&code)
	name := string(event(n))
	if own, ok := strings.CutPrefix(name, timerPrefix); ok && conn == 0 {
		return result(fireHelperTimer(own))
	}
	if onTimer != nil {
		return result(onTimer.OnTimer(Conn(conn), name))
	}
	return 0
}

func handlePing(conn uint64, n uint32) (code int32) {
	defer recoverPanic(&code)
	if onPing != nil {
		return result(onPing.OnPing(Conn(conn), event(n)))
	}
	return 0
}

func handlePong(conn uint64, n uint32) (code int32) {
	defer recoverPanic(&code)
	if onPong != nil {
		return result(onPong.OnPong(Conn(conn), event(n)))
	}
	return 0
}

func handlePresence(n uint32, joined int32) (code int32) {
	defer recoverPanic(&code)
	if onPresence == nil {
		return 0
	}
	room, user, _ := strings.Cut(string(event(n)), "\n")
	return result(onPresence.OnPresence(Room(room), User(user), joined == 1))
}

func handlePublish(n uint32, kind int32) (code int32) {
	defer recoverPanic(&code)
	if onPublish == nil {
		return 0
	}
	kindOfTarget, rest, _ := bytes.Cut(event(n), []byte{'\n'})
	name, data, _ := bytes.Cut(rest, []byte{'\n'})
	var to Target
	switch string(kindOfTarget) {
	case "room":
		to.Room = Room(name)
	case "user":
		to.User = User(name)
	}
	return resultOrRefusal(onPublish.OnPublish(to, Message{Kind(kind), data}))
}

// result returns the result of a hook. If the hook fails, it passes the text of the error to the host.
func result(err error) int32 {
	if err == nil {
		return 0
	}
	return raw.Fail(err.Error())
}
