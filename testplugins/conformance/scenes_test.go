package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/admin"
)

// scene is a behaviour that needs several connections, or a host of its own.
type scene struct {
	name    string
	options func(*host.Options)
	play    func(*stage)
}

var scenes = []scene{
	{name: "echo of any size and kind", play: echoes},
	{name: "data that is not UTF-8", play: notUTF8},
	{name: "broadcasts", play: broadcasts},
	{name: "messages to users", play: toUsers},
	{name: "members by id", play: members},
	{name: "long lists", play: longLists},
	{name: "state in the guest", play: guestState},
	{name: "a failed hook leaves nothing", play: atomicity},
	{name: "refused with a status", play: refusals},
	{name: "closed by the plugin", play: closing},
	{name: "on_close exactly once", play: onClose},
	{name: "on_close after a trap", play: closeAfterTrap},
	{name: "timers", play: timers},
	{name: "on_presence", play: presence},
	{name: "on_publish", play: published},
	{name: "claims of a token", play: claims, options: func(o *host.Options) {
		o.Auth = &host.Auth{Secret: secret}
		o.Routes[0].Auth = host.AuthOptional
	}},
	{name: "on_ping", play: pings},
	{name: "on_pong", play: pongs, options: func(o *host.Options) { o.PingInterval = 20 * time.Millisecond }},
	{name: "the store forgets in time", play: timeToLive},
	{name: "log", play: logs},
	{name: "metrics", play: metrics},
	{name: "time", play: now},
	{name: "no config", play: noConfig, options: func(o *host.Options) { o.Routes[0].Config = nil }},
}

func asClose(err error, e *websocket.CloseError) bool { return errors.As(err, e) }

// echoes: empty, as large as the inbox, larger, and smaller again.
func echoes(s *stage) {
	c := s.dial("x")
	for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000, 3, 700_000, 64 << 10} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			data := ("#" + strings.Repeat("0123456789", n/10+1))[:n]
			c.write(kind, data)
			if k, got := c.next(short(data)); k != kind || got != data {
				s.Fatalf("%d bytes as %v came back as %d bytes, %v", n, kind, len(got), k)
			}
		}
	}
	c.ask("event", "=text 5")
	c.write(websocket.MessageBinary, "event;send_binary|b")
	c.want("=binary 19")
	if k, got := c.next("b"); k != websocket.MessageBinary || got != "b" {
		s.Fatalf("got %q as %v", got, k)
	}
	c.want("ok")
}

func notUTF8(s *stage) {
	c := s.dial("x")
	c.write(websocket.MessageBinary, "#\xff\x00\xfe")
	c.want("#\xff\x00\xfe")
	c.write(websocket.MessageBinary, "send|\xff")
	c.want("!INVALID")
	c.write(websocket.MessageBinary, "join|\xff")
	c.want("!INVALID")
}

func broadcasts(s *stage) {
	a, b, other := s.dial("x?do=join|r"), s.dial("x?do=join|r"), s.dial("x")
	a.want("ok")
	b.want("ok")
	a.ask("broadcast|r|one;broadcast_except|r|two;broadcast_all|three;broadcast_all_except|four;room_size|r",
		"one", "ok", "ok", "three", "ok", "ok", "=2")
	b.want("one", "two", "three", "four")
	other.want("three", "four")
	// A hook may take part in a room that it joins and leaves.
	other.ask("join|r;broadcast|r|five;leave|r;broadcast|r|six", "ok", "five", "ok", "ok", "ok")
	b.want("five", "six")
}

func toUsers(s *stage) {
	ann, ann2, bob, carl := s.dial("x?do=identify|ann"), s.dial("x?do=identify|ann"), s.dial("x?do=identify|bob"), s.dial("x?do=identify|carl")
	for _, c := range []client{ann, ann2, bob, carl} {
		c.want("ok")
	}
	carl.ask("send_user|ann|hi;send_users|bob,ann|you;users;online|bob", "ok", "ok", "=ann,bob,carl", "=1")
	ann.want("hi", "you")
	ann2.want("hi", "you")
	bob.want("you")
}

func members(s *stage) {
	a, b := s.dial("x?do=join|r;id"), s.dial("x?do=join|r;id")
	ids := make([]string, 2)
	for i, c := range []client{a, b} {
		c.want("ok")
		_, ids[i] = c.next("an id")
		ids[i] = ids[i][1:]
	}
	a.say("room_members|r")
	_, got := a.next("ids")
	list := strings.Split(got[1:], ",")
	slices.Sort(list)
	if want := slices.Sorted(slices.Values(ids)); !slices.Equal(list, want) {
		s.Fatalf("got %v, want %v", list, want)
	}
	a.ask("send_to|"+ids[1]+"|to you", "ok")
	b.want("to you")
	a.ask("id", "="+ids[0])
}

// longLists: lists that no first buffer holds.
func longLists(s *stage) {
	c := s.dial("x")
	var rooms, join, oks []string
	for i := range 80 {
		rooms = append(rooms, fmt.Sprintf("%03d%s", i, strings.Repeat("r", 200)))
		join = append(join, "join|"+rooms[i])
		oks = append(oks, "ok")
	}
	c.ask(strings.Join(join, ";"), oks...)
	c.ask("rooms", "="+strings.Join(rooms, ","))
	for range 40 {
		s.dial("x?do=join|many")
	}
	c.say("room_members|many")
	if _, got := c.next("ids"); strings.Count(got, ",") != 39 {
		s.Fatalf("got %s, want 40 ids", got)
	}
}

func guestState(s *stage) {
	a, b := s.dial("x"), s.dial("x")
	a.ask("count", "=1")
	b.ask("count;count", "=2", "=3")
	a.ask("count", "=4")
}

// atomicity: nothing of what a hook asked for happens if it fails, however it does.
func atomicity(s *stage) {
	watch := s.dial("x?do=join|r")
	watch.want("ok")
	for _, end := range []string{"fail|no", "propagate", "trap"} {
		c := s.dial("x")
		c.ask("value_set|k|before;store_set|k|before|0;join|mine", "ok", "ok", "ok")
		c.ask("join|r;leave|mine;identify|eve;value_set|k|after;store_set|k|after|0;store_add|n|1|0;timer_set|t|60000;"+
			"broadcast|r|x;broadcast_all|x;send|x;close|4000|x;"+end, internal)
		c.ask("rooms;user;value_get|k;store_get|k;store_get|n;timer_clear|t;room_size|r;online|eve",
			"=mine", "=", "=before", "=before", "!NOT_FOUND", "!NOT_FOUND", "=1", "=0")
	}
	watch.ask("send|end", "end", "ok")
}

func refusals(s *stage) {
	watch := s.dial("x?do=join|r;store_set|on_close|event|0")
	watch.want("ok", "ok")
	for script, status := range map[string]int{
		"refuse|401": 401, "broadcast|r|x;refuse|418": 418, "refuse|599": 599,
		"fail|no": 500, "propagate": 500, "trap": 500, "refuse|200": 500, "refuse_close|1000": 500,
	} {
		_, res, err := s.try("x?do="+script, nil)
		if err == nil || res == nil || res.StatusCode != status {
			s.Errorf("%s: got %v, %v; want the status %d", script, res, err, status)
		}
	}
	for _, code := range []int{3000, 4999} {
		c := s.dial("x?do=send|no;refuse_close|" + strconv.Itoa(code))
		c.want("no", "ok")
		c.wantClose(code, "")
	}
	// None of them was there, nor has gone.
	watch.ask("room_size|r;send|end", "=1", "end", "ok")
}

func closing(s *stage) {
	c := s.dial("x")
	// What it asks for after the close goes nowhere.
	c.ask("send|bye;close|4001|why not", "bye", "ok")
	c.wantClose(4001, "why not")
	c = s.dial("x?do=close|1008|" + strings.Repeat("r", 123))
	c.wantClose(1008, strings.Repeat("r", 123))
}

// onClose: once, with code, reason, rooms and user; out of the rooms, and unable to
// get anything.
func onClose(s *stage) {
	watch := s.dial("x")
	watch.ask("store_set|on_close|event,user,rooms,room_size/r,store_add/closes/1/0,send/lost|0", "ok")
	for i, end := range []struct {
		close func(c client)
		event string
	}{
		{func(c client) { _ = c.Close(4002, "enoügh") }, "4002|enoügh"},
		{func(c client) { _ = c.CloseNow() }, "1006|"},
		{func(c client) {
			c.say("close|4003|by you")
			c.wantClose(4003, "by you")
		}, "4003|by you"},
	} {
		c := s.dial("x?do=identify|ann;join|r;join|q")
		c.want("ok", "ok", "ok")
		end.close(c)
		watch.want("="+end.event, "=ann", "=r,q", "=0", fmt.Sprintf("=%d", i+1), "ok")
	}
	watch.ask("store_get|closes;send|end", "=3", "end", "ok")
}

func closeAfterTrap(s *stage) {
	watch, c := s.dial("x"), s.dial("x")
	watch.ask("store_set|on_close|event|0", "ok")
	c.ask("trap", internal)
	c.ask("send|alive", "alive", "ok")
	_ = c.Close(1000, "")
	watch.want("=1000|")
	// An on_close that fails changes nothing, and is not repeated.
	watch.ask("store_set|on_close|store_add/closes/1/0,trap|0", "ok")
	c = s.dial("x")
	_ = c.Close(1000, "")
	s.logs("hook=on_close plugin=") // that it failed
	watch.ask("store_set|on_close|event|0", "ok")
	c = s.dial("x")
	_ = c.Close(4000, "")
	watch.want("=4000|")
	watch.ask("store_get|closes", "!NOT_FOUND")
}

func timers(s *stage) {
	a, b := s.dial("x"), s.dial("x")
	a.ask("store_set|on_timer|event,id|0;id", "ok", "~=[0-9]+")
	a.ask("timer_set|tick tock|1", "ok", "=tick tock", "~=[0-9]+")
	a.ask("timer_set|again|60000;timer_set|again|0", "ok", "ok", "=again", "~=[0-9]+")
	b.ask("store_set|on_timer|event|0;channel_timer_set|all|1", "ok", "ok", "=all")
	a.want("=all")
	a.ask("timer_set|never|30;timer_clear|never;timer_set|last|40", "ok", "ok", "ok", "=last")
}

func presence(s *stage) {
	watch := s.dial("x")
	watch.ask("store_set|on_presence|event,room_users/r|0", "ok")
	c := s.dial("x?do=identify|ann;join|r")
	// The channel and the room tell in an order of their own.
	got := map[string]bool{}
	for range 2 {
		_, event := watch.next("on_presence")
		got[event] = true
		watch.want("=ann")
	}
	if !got["=|ann|1"] || !got["=r|ann|1"] {
		s.Fatalf("got %v", got)
	}
	c.CloseNow()
	for range 2 {
		_, event := watch.next("on_presence")
		got[event] = true
		watch.want("=")
	}
	if !got["=|ann|0"] || !got["=r|ann|0"] {
		s.Fatalf("got %v", got)
	}
}

// published: the plugin is in charge of what comes from outside.
func published(s *stage) {
	c := s.dial("x?do=join|r;identify|ann")
	c.want("ok", "ok")
	publish := func(p host.Publication) (host.Delivery, error) { return s.host.Publish(s.Context(), p) }
	for _, p := range []host.Publication{
		{Room: "r", Route: "/c/:id", Data: []byte("nobody hears it")}, {All: true, Data: []byte("nor this")},
	} {
		if _, err := publish(p); err != nil {
			s.Fatal(err)
		}
	}
	c.ask("store_set|on_publish|event,send_user/ann/psst|0", "ok")
	for _, tc := range []struct {
		p     host.Publication
		event string
	}{
		{host.Publication{Room: "r", Route: "/c/:id", Data: []byte("to\nthe room")}, "room|r|text|to\nthe room"},
		{host.Publication{Users: []string{"ann"}, Data: []byte("you")}, "user|ann|text|you"},
		{host.Publication{All: true, Data: nil}, "all||text|"},
		{host.Publication{All: true, Kind: abi.Binary, Data: []byte("\x01")}, "all||binary|\x01"},
	} {
		if _, err := publish(tc.p); err != nil {
			s.Fatal(err)
		}
		c.want("="+tc.event, "psst", "ok")
	}
	c.ask("store_set|on_publish|broadcast_all/no,refuse/403|0", "ok")
	var refused *host.RefusedError
	if _, err := publish(host.Publication{All: true, Data: []byte("x")}); !errors.As(err, &refused) || refused.Status != 403 {
		s.Fatalf("got %v, want a refusal with 403", err)
	}
	c.ask("store_set|on_publish|broadcast_all/no,trap|0", "ok")
	if _, err := publish(host.Publication{All: true, Data: []byte("x")}); err == nil {
		s.Fatal("a trap in on_publish is no error")
	}
	c.ask("send|end", "end", "ok")
}

const secret = "0123456789abcdef0123456789abcdef"

// claims: as the host has verified them.
func claims(s *stage) {
	payload := `{"sub":"ann","exp":4000000000,"note":"` + strings.Repeat("long ", 300) + `"}`
	b64 := base64.RawURLEncoding.EncodeToString
	token := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	token += "." + b64(mac.Sum(nil))
	c, _, err := s.try("x", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		s.Fatal(err)
	}
	c.ask("claims;user", "="+payload, "=ann")
	s.dial("x").ask("claims", "!NOT_FOUND")
}

func pings(s *stage) {
	c := s.dial("x")
	c.ask("store_set|on_ping|event|0", "ok")
	done := make(chan error, 1)
	go func() { done <- c.Ping(s.Context()) }()
	c.want("~=[0-9]+") // the client counts its pings
	// The pong is read with what comes next.
	c.ask("send|end", "end", "ok")
	if err := <-done; err != nil {
		s.Fatal(err)
	}
}

func pongs(s *stage) {
	c := s.dial("x")
	c.ask("store_set|on_pong|store_set/seen/yes/0|0", "ok")
	c.askUntil("store_get|seen", "=yes")
}

func timeToLive(s *stage) {
	c := s.dial("x")
	c.ask("store_set|kept|v|0;store_set|k|v|60000;store_get|k;store_set|k|v|30;store_add|n|1|30;store_add|n|1|30", "ok", "ok", "=v", "ok", "=1", "=2")
	c.askUntil("store_get|k", "!NOT_FOUND")
	c.askUntil("store_get|n", "!NOT_FOUND")
	c.ask("store_get|kept", "=v")
}

// logs: at once, also when the hook fails; and why it failed.
func logs(s *stage) {
	c := s.dial("x")
	c.ask("log|0|first line;log|1|second line;log|2|third line", "ok", "ok", "ok")
	c.ask("log|3|fourth line;fail|the reason", internal)
	log := s.log.String()
	for _, want := range []string{"DEBUG:first line", "INFO:second line", "WARN:third line", "ERROR:fourth line", ":the reason"} {
		level, text, _ := strings.Cut(want, ":")
		found := false
		for line := range strings.Lines(log) {
			found = found || strings.Contains(line, text) && strings.Contains(line, "level="+level)
		}
		if !found {
			s.Errorf("the log lacks %s", want)
		}
	}
}

func metrics(s *stage) {
	c := s.dial("x")
	c.ask("counter_add|moves|2|kind=a,by=b;counter_add|moves|3|by=b,kind=a;gauge_set|depth|7;gauge_set|depth|-4;histogram_observe|size|10;counter_add|lost|1;fail|no", internal)
	c.ask("counter_add|moves|2|kind=a,by=b;counter_add|moves|3|by=b,kind=a;gauge_set|depth|7;gauge_set|depth|-4;histogram_observe|size|10",
		"ok", "ok", "ok", "ok", "ok")
	internal, err := admin.New(s.host, admin.Options{})
	if err != nil {
		s.Fatal(err)
	}
	defer internal.Close()
	server := httptest.NewServer(internal)
	defer server.Close()
	res, err := http.Get(server.URL + "/metrics")
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	for _, want := range []string{
		`~azuhost_app_moves_total\{by="b",kind="a",.*\} 5`, `~azuhost_app_depth\{.*\} -4`, `~azuhost_app_size_count\{.*\} 1`, `~azuhost_app_size_sum\{.*\} 10`,
	} {
		if !slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool { return matches(line, want) }) {
			s.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(string(text), "azuhost_app_lost") {
		s.Error("a hook that failed has counted")
	}
}

func now(s *stage) {
	c := s.dial("x")
	before := time.Now().UnixNano()
	c.say("now")
	_, text := c.next("the time")
	got, err := strconv.ParseInt(text[1:], 10, 64)
	if err != nil || got < before || got > time.Now().UnixNano() {
		s.Fatalf("got %s, %v", text, err)
	}
}

func noConfig(s *stage) { s.dial("x").ask("config;store_get|loads", "={}", "!NOT_FOUND") }

// configFails: an on_load that fails refuses the plugin.
func (g guest) configFails(t *testing.T) {
	o := g.options()
	o.Routes[0].Config = map[string]any{"do": "fail|not this config"}
	h, err := host.New(o)
	if err == nil {
		_ = h.Close(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "not this config") {
		t.Fatalf("got %v", err)
	}
}

// notAllowed: where the operator does not allow what a guest can live without, it is
// told so.
func (g guest) notAllowed(t *testing.T) {
	data, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := host.Inspect(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	says := false // it has a manifest of its own
	for _, u := range info.Uses {
		says = says || u.Optional
	}
	if !says {
		manifest := abi.ManifestSection + `{"optional":["all"]}`
		data = append(data, 0, byte(1+len(manifest)), byte(len(abi.ManifestSection)))
		data = append(data, manifest...)
	}
	g.file = filepath.Join(t.TempDir(), "guest.wasm")
	if err := os.WriteFile(g.file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := g.options()
	o.Routes[0].Allow = []abi.Capability{"send", "broadcast", "request", "log", "time", "random", "stdio"}
	s := open(t, o)
	s.dial("x").ask("send|a;join|r;leave|r;identify|ann;close|1000|;value_get|k;value_set|k|v;store_get|k;store_set|k|v|0;store_add|n|1|0;timer_set|t|1;channel_timer_clear|t;gauge_set|g|1",
		"a", "ok", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM", "!PERM")
}
