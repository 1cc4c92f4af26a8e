// Package guest is the logic of the conformance guest in Go. ../../README.md describes what a guest does.
package guest

import (
	"errors"
	"strconv"
	"strings"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
	_ "github.com/azuhost/azuhost/sdk/go/onping"     // for its hook
	_ "github.com/azuhost/azuhost/sdk/go/onpong"     // for its hook
	_ "github.com/azuhost/azuhost/sdk/go/onpresence" // for its hook
	_ "github.com/azuhost/azuhost/sdk/go/onpublish"  // for its hook
)

type guest struct {
	config string // of on_load
	count  int    // of the command count

	// Of the running hook.
	event  string   // the answer of the command event
	conn   azu.Conn // gets the answers of the script; 0: all connections get them
	closed bool     // the hook is on_close: conn cannot receive, and all connections get the answers
}

// New returns the channel of the guest.
func New() azu.Channel { return &guest{} }

func (g *guest) OnLoad(config []byte) error {
	g.config = string(config)
	if script, ok := strings.CutPrefix(g.config, `{"do":"`); ok {
		return g.run(0, g.config, script[:len(script)-2], ";", "|")
	}
	return nil
}

func (g *guest) OnConnect(c azu.Conn) error {
	if do := c.Query("do"); do != "" {
		return g.run(c, c.Target(), do, ";", "|")
	}
	return nil
}

func (g *guest) OnMessage(c azu.Conn, m azu.Message) error {
	if len(m.Data) == 0 || m.Data[0] == '#' {
		return c.Send(m)
	}
	return g.run(c, kindName(m)+" "+strconv.Itoa(len(m.Data)), m.String(), ";", "|")
}

func (g *guest) OnClose(c azu.Conn, code int, reason string) error {
	g.closed = true
	defer func() { g.closed = false }()
	return g.runStored("on_close", c, strconv.Itoa(code)+"|"+reason)
}

func (g *guest) OnTimer(c azu.Conn, name string) error { return g.runStored("on_timer", c, name) }
func (g *guest) OnPing(c azu.Conn, payload []byte) error {
	return g.runStored("on_ping", c, string(payload))
}
func (g *guest) OnPong(c azu.Conn, payload []byte) error {
	return g.runStored("on_pong", c, string(payload))
}

func (g *guest) OnPresence(room azu.Room, user azu.User, joined bool) error {
	event := string(room) + "|" + string(user) + "|0"
	if joined {
		event = event[:len(event)-1] + "1"
	}
	return g.runStored("on_presence", 0, event)
}

func (g *guest) OnPublish(to azu.Target, m azu.Message) error {
	event := "all|"
	switch {
	case to.Room != "":
		event = "room|" + string(to.Room)
	case to.User != "":
		event = "user|" + string(to.User)
	}
	return g.runStored("on_publish", 0, event+"|"+kindName(m)+"|"+m.String())
}

func kindName(m azu.Message) string {
	if m.IsText() {
		return "text"
	}
	return "binary"
}

// runStored runs the script in the store under the name of a hook, if there is one.
func (g *guest) runStored(hook string, c azu.Conn, event string) error {
	script, err := azu.Key(hook).Get()
	if err != nil {
		return nil
	}
	return g.run(c, event, script, ",", "/")
}

// run runs a script. sep separates its commands, and argSep the arguments of a command.
func (g *guest) run(c azu.Conn, event, script, sep, argSep string) error {
	g.event, g.conn = event, c
	for command := range strings.SplitSeq(script, sep) {
		f := append(strings.SplitN(command, argSep, 4), "", "", "")
		answer, err := g.runCommand(c, f[0], f[1], f[2], f[3])
		var end *hookEnd
		var errno azu.Errno
		switch {
		case errors.As(err, &end):
			return end.err
		case errors.As(err, &errno):
			answer = "!" + errorName(errno)
		}
		if err := g.answer(answer); err != nil {
			return err
		}
	}
	return nil
}

// answer sends the answer of a command.
func (g *guest) answer(text string) error {
	if g.conn == 0 || g.closed {
		return azu.Broadcast(azu.Text(text))
	}
	return g.conn.Send(azu.Text(text))
}

// hookEnd is the result of a command that ends the hook with an error.
type hookEnd struct{ err error }

func (e *hookEnd) Error() string { return e.err.Error() }

// errorName returns the name of an error, which its text has in brackets.
func errorName(e azu.Errno) string {
	_, name, _ := strings.Cut(e.Error(), "(")
	return strings.TrimSuffix(name, ")")
}

// ok, number, text and list return answers.
func ok(err error) (string, error) { return "ok", err }

func number(n int64, err error) (string, error) { return "=" + strconv.FormatInt(n, 10), err }

func text[T ~string | ~[]byte](s T, err error) (string, error) { return "=" + string(s), err }

func list[S ~string](names []S) (string, error) {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(n))
	}
	return "=" + b.String(), nil
}

// millis parses a number of milliseconds.
func millis(s string) time.Duration {
	n, _ := strconv.Atoi(s)
	return time.Duration(n) * time.Millisecond
}

// labels parses a=b,c=d.
func labels(s string) (list []azu.Label) {
	for pair := range strings.SplitSeq(s, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			list = append(list, azu.Label{Name: name, Value: value})
		}
	}
	return list
}

// runCommand runs a command and returns its answer. The error is an azu.Errno or a *hookEnd.
func (g *guest) runCommand(conn azu.Conn, command, a, b, c string) (string, error) {
	n, _ := strconv.ParseInt(a, 10, 64)
	value, _ := strconv.ParseFloat(b, 64)
	switch command {
	case "send":
		return ok(conn.Send(azu.Text(a)))
	case "send_binary":
		return ok(conn.Send(azu.Binary(a)))
	case "send_to":
		return ok(azu.Conn(n).Send(azu.Text(b)))
	case "broadcast":
		return ok(azu.Room(a).Broadcast(azu.Text(b)))
	case "broadcast_except":
		return ok(azu.Room(a).BroadcastExcept(azu.Text(b), conn))
	case "broadcast_all":
		return ok(azu.Broadcast(azu.Text(a)))
	case "broadcast_all_except":
		return ok(azu.BroadcastExcept(azu.Text(a), conn))
	case "send_user":
		return ok(azu.User(a).Send(azu.Text(b)))
	case "send_users":
		var users []azu.User
		for u := range strings.SplitSeq(a, ",") {
			users = append(users, azu.User(u))
		}
		return ok(azu.SendUsers(users, azu.Text(b)))
	case "close":
		return ok(conn.Close(int(n), b))
	case "join":
		return ok(conn.Join(azu.Room(a)))
	case "leave":
		return ok(conn.Leave(azu.Room(a)))
	case "room_size":
		return number(int64(azu.Room(a).Size()), nil)
	case "room_members":
		var ids []string
		for _, c := range azu.Room(a).Members() {
			ids = append(ids, strconv.FormatUint(uint64(c), 10))
		}
		return list(ids)
	case "room_users":
		return list(azu.Room(a).Users())
	case "rooms":
		return list(conn.Rooms())
	case "identify":
		return ok(conn.Identify(azu.User(a)))
	case "user":
		return text(conn.User(), nil)
	case "online":
		if azu.User(a).Online() {
			return "=1", nil
		}
		return "=0", nil
	case "users":
		return list(azu.Users())
	case "param":
		return text(conn.AppendParam(nil, a))
	case "query":
		return text(conn.AppendQuery(nil, a))
	case "header":
		return text(conn.AppendHeader(nil, a))
	case "remote_addr":
		return text(conn.RemoteAddr(), nil)
	case "subprotocol":
		return text(conn.Subprotocol(), nil)
	case "claims":
		if conn.Claims() == nil {
			return "", azu.ErrNotFound
		}
		return text(conn.Claims(), nil)
	case "value_get":
		return text(conn.Value(a))
	case "value_set":
		return ok(conn.SetValue(a, b))
	case "value_delete":
		return ok(conn.DeleteValue(a))
	case "store_get":
		return text(azu.Key(a).Get())
	case "store_set":
		return ok(azu.Key(a).Set(b, millis(c)))
	case "store_delete":
		return ok(azu.Key(a).Delete())
	case "store_add":
		delta, _ := strconv.ParseInt(b, 10, 64)
		return number(azu.Key(a).Add(delta, millis(c)))
	case "timer_set":
		return ok(conn.SetTimer(a, millis(b)))
	case "timer_clear":
		return ok(conn.ClearTimer(a))
	case "channel_timer_set":
		return ok(azu.SetTimer(a, millis(b)))
	case "channel_timer_clear":
		return ok(azu.ClearTimer(a))
	case "log":
		azu.Log(azu.Level(n), b)
		return "ok", nil
	case "counter_add":
		return ok(azu.Counter(a).Add(value, labels(c)...))
	case "gauge_set":
		return ok(azu.Gauge(a).Set(value, labels(c)...))
	case "histogram_observe":
		return ok(azu.Histogram(a).Observe(value, labels(c)...))
	case "now":
		return number(azu.Now().UnixNano(), nil)
	case "id":
		return "=" + strconv.FormatUint(uint64(conn), 10), nil
	case "event":
		return text(g.event, nil)
	case "config":
		return text(g.config, nil)
	case "count":
		g.count++
		return number(int64(g.count), nil)
	case "errno":
		return "", azu.Errno(n)
	case "fail":
		return "", &hookEnd{errors.New(a)}
	case "refuse":
		return "", &hookEnd{azu.Refuse(int(n))}
	case "refuse_close":
		return "", &hookEnd{azu.RefuseClose(int(n))}
	case "propagate":
		_, err := conn.Value("missing")
		return "", &hookEnd{err}
	case "trap":
		panic("trap")
	}
	return "?" + command, nil
}
