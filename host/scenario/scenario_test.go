package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newChannel returns a channel that does what the messages to it say.
func newChannel() *host.Funcs {
	return &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			if name, err := env.Query(conn, "name"); err == nil {
				if string(name) == "mallory" {
					return host.Refusal(403)
				}
				if err := env.Identify(conn, name); err != nil {
					return err
				}
			}
			return env.Join(conn, "room")
		},
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			verb, rest, _ := strings.Cut(string(m.Data), " ")
			switch verb {
			case "timer":
				d, err := time.ParseDuration(rest)
				if err != nil {
					return err
				}
				return env.TimerSet(conn, "t", d)
			case "keep":
				return env.StoreSet("k", []byte(rest), time.Minute)
			case "kept":
				v, err := env.StoreGet("k")
				if err != nil {
					v = []byte(err.Error())
				}
				return env.Send(conn, abi.Text, v)
			case "time":
				return env.Send(conn, abi.Text, []byte(env.Now().UTC().Format(time.DateTime)))
			case "close":
				return env.CloseConn(conn, 4001, rest)
			case "fail":
				return errors.New(rest)
			case "failing-timer":
				return env.TimerSet(conn, rest, time.Second)
			case "log":
				env.Log(abi.Info, rest)
				return nil
			}
			return env.Broadcast("room", m.Kind, m.Data, 0)
		},
		OnTimer: func(env host.Env, conn host.ConnID, name string) error {
			if name != "t" {
				return errors.New(name)
			}
			if err := env.TimerSet(conn, name, time.Second); err != nil {
				return err
			}
			return env.Send(conn, abi.Text, []byte("tick "+env.Now().UTC().Format(time.TimeOnly)))
		},
		OnPresence: func(env host.Env, room, user string, join bool) error {
			if room == "" {
				return nil
			}
			data := fmt.Appendf(nil, `{"user":%q,"join":%v,"at":%d}`, user, join, env.Now().Unix())
			return env.Broadcast(room, abi.Text, data, 0)
		},
		OnClose: func(env host.Env, conn host.ConnID, code int, reason string) error {
			return env.Broadcast("room", abi.Text, fmt.Appendf(nil, "left %d %s", code, reason), 0)
		},
	}
}

func playText(t *testing.T, text string) error {
	t.Helper()
	s, err := Parse("test.scenario", text)
	if err != nil {
		return err
	}
	return s.Play(t.Context(), Options{Route: host.Route{Channel: newChannel()}})
}

func TestPlay(t *testing.T) {
	err := playText(t, `
# Every kind of line.
path /c
grace 2s
alice connects /c?name=alice
alice receives {"user":"alice","join":true,"at":...}
anna connects /c with X-Name: anna, Y: b
mallory is refused /c?name=mallory with 403
alice sends hello
alice receives hello
anna receives hello
alice receives nothing
anna sends bytes 00 ff
alice receives bytes 00ff
anna receives bytes 00ff
alice pings
anna sends timer 90m
wait 89m59s
anna receives nothing
wait 1s
anna receives tick 13:30:00
wait 2500ms
anna receives tick 13:30:01
anna receives tick 13:30:02
anna receives nothing
anna sends keep this
wait 59s
anna ignores the rest
anna sends kept
anna receives this
wait 1s
anna ignores the rest
anna sends kept
anna receives NOT_FOUND
anna sends time
anna receives 2030-01-01 13:31:02
anna sends close enough
anna is closed with 4001 enough
alice receives left 4001 ...
bob connects /c?name=bob
alice receives {"join":true,"user":"bob",...}
bob ignores the rest
bob disconnects with 4000 bye
alice receives left 4000 bye
wait 1s
alice receives nothing
bob connects /c?name=bob
wait 5s
alice receives nothing
bob vanishes
alice receives left 1006...
wait 2s
alice receives {"user":"bob","join":false,"at":1893504670}
publish to room room: from outside
alice receives from outside
publish to user alice: {"a":1}
alice receives {"a":1.0}
publish to all: bytes 01
alice receives bytes 01
alice sends log a line of the plugin, {"quoted":"\\"}
log has a line of the plugin, {"quoted":"\\"}
alice sends fail on purpose
alice receives {"type":"error","code":"INTERNAL_ERROR"}
alice sends fail again
alice ignores the rest
log has failed with -8: again
`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"alice connects /\nalice receives {\"a\":1}",
			"test.scenario:2: alice receives {\"a\":1}\n  expected  {\"a\":1}\n  got       nothing"},
		{"alice connects /\nalice sends x\nalice receives y", "expected  y\n  got       x"},
		{"alice connects /\nalice sends bytes 00\nalice receives 0", "expected  0\n  got       bytes 00"},
		{"alice connects /\nalice sends x\nalice receives nothing", "expected  nothing\n  got       x"},
		{"alice connects /\nalice sends fail because\nalice receives x",
			"the last hook that failed: on_message failed with -8: because"},
		{"alice connects /\nalice is closed with 1000", "expected  closed with 1000\n  got       open"},
		{"alice connects /\nalice sends close\nalice is closed with 1000",
			"expected  closed with 1000\n  got       closed with 4001"},
		{"alice connects /\nalice sends close\nalice sends x", "alice is closed with 4001"},
		{"alice connects /?name=mallory", "expected  a connection\n  got       refused with 403"},
		{"alice is refused / with 403", "expected  refused with 403\n  got       a connection"},
		{"alice sends x", "alice has not connected"},
		{"alice connects /\nalice connects /", "alice is connected already"},
		{"alice connects /\nlog has no such thing", "a line with no such thing"},
		// Failures that no line expects, wherever they are.
		{"alice connects /\nalice sends fail because\nalice receives nothing",
			"got       {\"type\":\"error\",\"code\":\"INTERNAL_ERROR\"}\n" +
				"  the last hook that failed: on_message failed with -8: because"},
		{"alice connects /\nalice sends fail because\nalice ignores the rest\nalice sends x\nalice receives x",
			"test.scenario:2: alice sends fail because\n  expected  no hook that fails"},
		{"alice connects /\nalice sends failing-timer bad\nwait 2s\nalice receives nothing",
			"test.scenario:3: wait 2s\n  expected  no hook that fails"},
		{"alice connects /\nalice sends fail 1\nlog has failed with -8: 1\nalice sends fail 2", "test.scenario:4:"},
	} {
		if err := playText(t, c.script); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngave %v\nwant %s", c.script, err, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"alice dances", "unknown line"},
		{"wait long", `"long" is no time`},
		{"wait -1s", `"-1s" is no time`},
		{"alice connects here", `"here" is no path`},
		{"alice connects / with nothing", "is no header"},
		{"alice sends bytes xy", "want hexadecimal digits"},
		{"alice is refused /", "alice is refused /path with 403"},
		{"alice is closed with all", "is no close code"},
		{"alice ignores bob", "alice ignores the rest"},
		{"config [1]", "no JSON object"},
		{"grace soon", "duration"},
		{"publish x", "publish to room NAME: MESSAGE"},
		{"log", "log has TEXT"},
	} {
		_, err := Parse("x.scenario", "# first\n"+c.line)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x.scenario:2: ") {
			t.Errorf("%s: %v, want %s", c.line, err, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{`{"a":1,"b":[true,null]}`, `{ "b": [true, null], "a": 1 }`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{`{"a":1,...}`, `{"a":1,"b":2}`, true},
		{`{...}`, `{}`, true},
		{`{"a":1,...}`, `{"b":2}`, false},
		{`{"a":...}`, `{"a":{"b":[1]}}`, true},
		{`{"a": ...}`, `{"b":1}`, false},
		{`[1,...]`, `[1,2,3]`, true},
		{`[...,3]`, `[1,3]`, true},
		{`[...,3]`, `[1,2,3]`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[]`, `{}`, false},
		{`{"a":"x...y"}`, `{"a":"xzy"}`, false}, // literal in a string
		{`{"a":"..."}`, `{"a":"..."}`, true},
		{`{"a":"\"...\""}`, `{"a":"\"...\""}`, true},
		{`1`, `1.0`, true},
		{`1`, `1e9999999`, false},
		{`12345678901234567890`, `12345678901234567891`, false},
		{`18446744073709551616`, `18446744073709551617`, false},
		{`1e-3`, `0.001`, true},
		{`{"a":1}`, `{"a":1}}`, false},
		{`{"a":1}`, `{"a":1}] garbage`, false},
		{`1`, `1]`, false},
		{`...`, `anything`, true},
		{`...`, ``, true},
		{`hello ...`, `hello alice`, true},
		{`hello ... and ...`, `hello alice and bob`, true},
		{`hello ... and ...`, `hello alice`, false},
		{`a...a`, `a`, false},
		{`hello`, `hello `, false},
		{`"a"`, `a`, false},
		{`{"a"`, `{"a"`, true}, // no JSON: compared as text
		{``, ``, true},
	} {
		if got := matches(c.pattern, c.text); got != c.want {
			t.Errorf("%s against %s: %v", c.pattern, c.text, got)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add(`{"a":...,...}`, `{"a":1}`)
	f.Add(`[1,...]`, `[1,2]`)
	f.Add(`hello ...`, `hello`)
	f.Fuzz(func(t *testing.T, pattern, text string) {
		matches(pattern, text)
		if !strings.Contains(text, "...") && !matches(text, text) {
			t.Errorf("%q does not match itself", text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("alice connects /?a=b with X: y\nalice sends bytes 00\nwait 1s")
	f.Add("publish to room r: x\nconfig {}\ngrace 0s\nbob is refused / with 400")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f", text)
		if err == nil && len(s.lines) > strings.Count(text, "\n")+1 {
			t.Error("the script has more lines than the text")
		}
	})
}
