package host_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// scriptGuest is a plugin that runs scripts. testplugins/host_script.wat describes them.
const scriptGuest = "../testplugins/host_script.wasm"

// hookDeadline is a deadline for hooks that a busy machine does not exceed.
const hookDeadline = 10 * time.Second

// scriptInGo returns a channel that runs the same scripts as scriptGuest, except loop.
func scriptInGo() *host.Funcs {
	return &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			do, err := env.Query(conn, "do")
			if err != nil {
				return nil
			}
			return script(env, conn, string(do))
		},
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			return script(env, conn, string(m.Data))
		},
		OnTimer: func(env host.Env, conn host.ConnID, name string) error { return script(env, conn, name) },
		OnClose: func(env host.Env, conn host.ConnID, _ int, _ string) error {
			bye, err := env.Value(conn, "bye")
			if err != nil {
				return nil
			}
			return script(env, conn, string(bye))
		},
	}
}

// script runs the commands of a text. It panics at an unknown command.
func script(env host.Env, conn host.ConnID, text string) error {
	s := &scriptRun{env, conn}
	for command := range strings.SplitSeq(text, ";") {
		if command == "" {
			continue
		}
		word, args, _ := strings.Cut(command, " ")
		a, b, _ := strings.Cut(args, "|")
		switch word {
		case "refuse", "refuse_close":
			n, _ := strconv.Atoi(a)
			return host.Refusal(n)
		case "fail":
			return errors.New(a)
		case "trap":
			panic("trap")
		}
		if !s.change(word, a, b) && !s.get(word, a) {
			panic(fmt.Sprintf("unknown command %q", command))
		}
	}
	return nil
}

// scriptRun is a script that runs for a connection.
type scriptRun struct {
	env  host.Env
	conn host.ConnID
}

// change runs a command that changes something or sends something else than its answer. It returns false if the
// word is no such command.
func (s *scriptRun) change(word, a, b string) bool {
	env, conn := s.env, s.conn
	var err error
	switch word {
	case "send":
		err = env.Send(conn, abi.Text, []byte(a))
	case "broadcast":
		err = env.Broadcast(a, abi.Text, []byte(b), 0)
	case "broadcast_except":
		err = env.Broadcast(a, abi.Text, []byte(b), conn)
	case "broadcast_all":
		err = env.BroadcastAll(abi.Text, []byte(a), 0)
	case "send_user":
		err = env.SendUser(a, abi.Text, []byte(b))
	case "join":
		err = env.Join(conn, a)
	case "leave":
		err = env.Leave(conn, a)
	case "identify":
		err = env.Identify(conn, a)
	case "value_set":
		err = env.SetValue(conn, a, []byte(b))
	case "value_delete":
		err = env.DeleteValue(conn, a)
	case "store_set":
		err = env.StoreSet(a, []byte(b), 0)
	case "store_delete":
		err = env.StoreDelete(a)
	case "store_add":
		_, err = env.StoreAdd(a, 1, 0)
	case "timer_set":
		err = env.TimerSet(conn, a, millis(b))
	case "channel_timer_set":
		err = env.TimerSet(0, a, millis(b))
	case "timer_clear":
		err = env.TimerClear(conn, a)
	case "counter_add":
		err = env.Metric(abi.CounterAdd, a, "", 1)
	case "close":
		code, _ := strconv.Atoi(a)
		err = env.CloseConn(conn, code, b)
	default:
		return false
	}
	if err != nil {
		s.answer(nil, err)
	}
	return true
}

// get runs a command that answers with a value. It returns false if the word is no such command.
func (s *scriptRun) get(word, a string) bool {
	env, conn := s.env, s.conn
	switch word {
	case "room_size":
		s.digit(env.RoomSize(a))
	case "room_members":
		members, err := env.RoomMembers(a)
		s.digit(len(members), err)
	case "online":
		online, err := env.Online(a)
		s.digit(map[bool]int{true: 1}[online], err)
	case "rooms":
		s.lines(env.Rooms(conn))
	case "user":
		s.text(env.User(conn))
	case "users":
		s.lines(env.Users())
	case "room_users":
		s.lines(env.RoomUsers(a))
	case "value_get":
		s.answer(env.Value(conn, a))
	case "store_get":
		s.answer(env.StoreGet(a))
	case "param":
		s.text(env.Param(conn, a))
	case "query":
		s.text(env.Query(conn, a))
	case "header":
		s.text(env.Header(conn, a))
	case "remote_addr":
		s.text(env.RemoteAddr(conn))
	case "subprotocol":
		s.text(env.Subprotocol(conn))
	case "claims":
		s.answer(env.Claims(conn))
	case "version":
		s.text("version-1", nil)
	default:
		return false
	}
	return true
}

// answer sends a value, or the error as ! and the digit of its number.
func (s *scriptRun) answer(value []byte, err error) {
	if err != nil {
		value = errorText(err)
	}
	_ = s.env.Send(s.conn, abi.Text, value)
}

func (s *scriptRun) digit(n int, err error)       { s.answer([]byte{byte('0' + n)}, err) }
func (s *scriptRun) text(value string, err error) { s.answer([]byte(value), err) }
func (s *scriptRun) lines(values []string, err error) {
	s.answer([]byte(strings.Join(values, "\n")), err)
}

// errorText returns ! and the digit of the number of an error.
func errorText(err error) []byte {
	var e abi.Errno
	errors.As(err, &e)
	return []byte{'!', byte('0' - e)}
}

// millis returns a decimal number of milliseconds; 0 for the empty text.
func millis(text string) time.Duration {
	n, _ := strconv.Atoi(text)
	return time.Duration(n) * time.Millisecond
}

// onBoth runs a test with scripts in Go and in WebAssembly, on the route /c.
func onBoth(t *testing.T, test func(t *testing.T, r host.Route)) {
	t.Helper()
	concurrent := scriptInGo()
	concurrent.Concurrent = true
	for name, r := range map[string]host.Route{
		"go":            {Channel: scriptInGo()},
		"go-concurrent": {Channel: concurrent},
		"wasm-single":   {Plugin: scriptGuest},
		"wasm-pool":     {Plugin: scriptGuest, Instances: host.Pool},
	} {
		r.Path = "/c"
		r.Limits.Deadline = hookDeadline
		t.Run(name, func(t *testing.T) { test(t, r) })
	}
}
