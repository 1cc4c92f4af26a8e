package host_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// What testplugins/host_script.wat does, in Go: the same table of tests runs on
// both. The commands are described there.

const scriptGuest = "../testplugins/host_script.wasm"

// script runs the commands of a text.
func script(env host.Env, conn host.ConnID, text string) error {
	give := func(p []byte, err error) {
		if err != nil {
			p = refusedText(err)
		}
		_ = env.Send(conn, abi.Text, p)
	}
	digit := func(n int, err error) { give([]byte{byte('0' + n)}, err) }
	giveText := func(s string, err error) { give([]byte(s), err) }
	giveLines := func(names []string, err error) { give([]byte(strings.Join(names, "\n")), err) }
	ask := func(err error) {
		if err != nil {
			give(nil, err)
		}
	}
	for cmd := range strings.SplitSeq(text, ";") {
		if cmd == "" {
			continue
		}
		arg := cmd[min(2, len(cmd)):]
		a, b, _ := strings.Cut(arg, "|")
		name, data := a, []byte(b)
		switch cmd[0] {
		case 's':
			ask(env.Send(conn, abi.Text, []byte(name)))
		case 'b':
			ask(env.Broadcast(name, abi.Text, data, 0))
		case 'x':
			ask(env.Broadcast(name, abi.Text, data, conn))
		case 'B':
			ask(env.BroadcastAll(abi.Text, []byte(name), 0))
		case 'U':
			ask(env.SendUser(name, abi.Text, data))
		case 'j':
			ask(env.Join(conn, name))
		case 'l':
			ask(env.Leave(conn, name))
		case 'i':
			ask(env.Identify(conn, name))
		case 'v':
			ask(env.SetValue(conn, name, data))
		case 'd':
			ask(env.DeleteValue(conn, name))
		case 'S':
			ask(env.StoreSet(name, data, 0))
		case 'D':
			ask(env.StoreDelete(name))
		case 'A':
			_, err := env.StoreAdd(name, 1, 0)
			ask(err)
		case 't':
			ask(env.TimerSet(conn, name, 0))
		case 'W':
			ask(env.TimerSet(conn, name, time.Hour))
		case 'T':
			ask(env.TimerSet(0, name, 0))
		case 'k':
			ask(env.TimerClear(conn, name))
		case 'M':
			ask(env.Metric(abi.CounterAdd, "hits", "", 1))
		case 'c':
			code, _ := strconv.Atoi(a)
			ask(env.CloseConn(conn, code, b))
		case 'n':
			digit(env.RoomSize(name))
		case 'm':
			p, err := env.RoomMembers(name)
			digit(len(p), err)
		case 'o':
			on, err := env.Online(name)
			digit(map[bool]int{true: 1}[on], err)
		case 'r':
			giveLines(env.Rooms(conn))
		case 'u':
			giveText(env.User(conn))
		case 'p':
			giveLines(env.Users())
		case 'q':
			giveLines(env.RoomUsers(name))
		case 'g':
			give(env.Value(conn, name))
		case 'G':
			give(env.StoreGet(name))
		case 'P':
			giveText(env.Param(conn, name))
		case 'Q':
			giveText(env.Query(conn, name))
		case 'H':
			giveText(env.Header(conn, name))
		case 'a':
			giveText(env.RemoteAddr(conn))
		case 'y':
			giveText(env.Subprotocol(conn))
		case 'C':
			give(env.Claims(conn))
		case 'z':
			give([]byte("version-1"), nil)
		case 'R':
			n, _ := strconv.Atoi(a)
			return host.Refusal(n)
		case 'f':
			return errors.New("no luck")
		case '!':
			panic("trap")
		}
	}
	return nil
}

func refusedText(err error) []byte {
	var e abi.Errno
	errors.As(err, &e)
	return []byte{'!', byte('0' - e)}
}

// scriptInGo is the guest in Go.
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

// patient is a deadline for hooks that are not to fail on a machine that does
// much else.
const patient = 10 * time.Second

// onBoth runs a test with the script in Go and in Wasm.
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
		r.Limits.Deadline = patient
		t.Run(name, func(t *testing.T) { test(t, r) })
	}
}
