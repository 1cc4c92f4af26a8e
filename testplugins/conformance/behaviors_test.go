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

// behavior is a behavior that needs several connections or other options.
type behavior struct {
	name    string
	options func(*host.Options)
	test    func(*harness)
}

var behaviors = []behavior{
	{name: "echo of any size and kind", test: testEchoes},
	{name: "data that is not UTF-8", test: testNotUTF8},
	{name: "broadcasts", test: testBroadcasts},
	{name: "messages to users", test: testUsers},
	{name: "members by id", test: testMembers},
	{name: "long lists", test: testLongLists},
	{name: "state in the guest", test: testGuestState},
	{name: "a failed hook has no effects", test: testAtomicity},
	{name: "refused with a status", test: testRefusals},
	{name: "closed by the plugin", test: testClose},
	{name: "on_close exactly once", test: testOnClose},
	{name: "on_close after a trap", test: testOnCloseAfterTrap},
	{name: "timers", test: testTimers},
	{name: "on_presence", test: testPresence},
	{name: "on_publish", test: testOnPublish},
	{name: "claims of a token", test: testClaims, options: func(o *host.Options) {
		o.Auth = &host.Auth{Secret: secret}
		o.Routes[0].Auth = host.AuthOptional
	}},
	{name: "on_ping", test: testOnPing},
	{name: "on_pong", test: testOnPong, options: func(o *host.Options) { o.PingInterval = 20 * time.Millisecond }},
	{name: "expiry in the store", test: testTimeToLive},
	{name: "log", test: testLog},
	{name: "metrics", test: testMetrics},
	{name: "time", test: testNow},
	{name: "no config", test: testNoConfig, options: func(o *host.Options) { o.Routes[0].Config = nil }},
}

func asClose(err error, e *websocket.CloseError) bool { return errors.As(err, e) }

// testEchoes: empty messages, and messages smaller and larger than the inbox.
func testEchoes(h *harness) {
	c := h.dial("x")
	for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000, 3, 700_000, 64 << 10} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			data := ("#" + strings.Repeat("0123456789", n/10+1))[:n]
			c.write(kind, data)
			if k, got := c.next(truncate(data)); k != kind || got != data {
				h.Fatalf("%d bytes as %v came back as %d bytes, %v", n, kind, len(got), k)
			}
		}
	}
	c.run("event", "=text 5")
	c.write(websocket.MessageBinary, "event;send_binary|b")
	c.want("=binary 19")
	if k, got := c.next("b"); k != websocket.MessageBinary || got != "b" {
		h.Fatalf("got %q as %v", got, k)
	}
	c.want("ok")
}

func testNotUTF8(h *harness) {
	c := h.dial("x")
	c.write(websocket.MessageBinary, "#\xff\x00\xfe")
	c.want("#\xff\x00\xfe")
	c.write(websocket.MessageBinary, "send|\xff")
	c.want("!INVALID")
	c.write(websocket.MessageBinary, "join|\xff")
	c.want("!INVALID")
}

func testBroadcasts(h *harness) {
	a, b, other := h.dial("x?do=join|r"), h.dial("x?do=join|r"), h.dial("x")
	a.want("ok")
	b.want("ok")
	a.run("broadcast|r|one;broadcast_except|r|two;broadcast_all|three;broadcast_all_except|four;room_size|r",
		"one", "ok", "ok", "three", "ok", "ok", "=2")
	b.want("one", "two", "three", "four")
	other.want("three", "four")
	// A hook sees its own joins and leaves.
	other.run("join|r;broadcast|r|five;leave|r;broadcast|r|six", "ok", "five", "ok", "ok", "ok")
	b.want("five", "six")
}

func testUsers(h *harness) {
	ann, ann2 := h.dial("x?do=identify|ann"), h.dial("x?do=identify|ann")
	bob, carl := h.dial("x?do=identify|bob"), h.dial("x?do=identify|carl")
	for _, c := range []client{ann, ann2, bob, carl} {
		c.want("ok")
	}
	carl.run("send_user|ann|hi;send_users|bob,ann|you;users;online|bob", "ok", "ok", "=ann,bob,carl", "=1")
	ann.want("hi", "you")
	ann2.want("hi", "you")
	bob.want("you")
}

func testMembers(h *harness) {
	a, b := h.dial("x?do=join|r;id"), h.dial("x?do=join|r;id")
	ids := make([]string, 2)
	for i, c := range []client{a, b} {
		c.want("ok")
		_, ids[i] = c.next("an id")
		ids[i] = ids[i][1:]
	}
	a.send("room_members|r")
	_, got := a.next("ids")
	list := strings.Split(got[1:], ",")
	slices.Sort(list)
	if want := slices.Sorted(slices.Values(ids)); !slices.Equal(list, want) {
		h.Fatalf("got %v, want %v", list, want)
	}
	a.run("send_to|"+ids[1]+"|to you", "ok")
	b.want("to you")
	a.run("id", "="+ids[0])
}

// testLongLists: lists that are larger than the first buffer of an SDK.
func testLongLists(h *harness) {
	c := h.dial("x")
	var rooms, join, oks []string
	for i := range 80 {
		rooms = append(rooms, fmt.Sprintf("%03d%s", i, strings.Repeat("r", 200)))
		join = append(join, "join|"+rooms[i])
		oks = append(oks, "ok")
	}
	c.run(strings.Join(join, ";"), oks...)
	c.run("rooms", "="+strings.Join(rooms, ","))
	for range 40 {
		h.dial("x?do=join|many")
	}
	c.send("room_members|many")
	if _, got := c.next("ids"); strings.Count(got, ",") != 39 {
		h.Fatalf("got %s, want 40 ids", got)
	}
}

func testGuestState(h *harness) {
	a, b := h.dial("x"), h.dial("x")
	a.run("count", "=1")
	b.run("count;count", "=2", "=3")
	a.run("count", "=4")
}

// testAtomicity: a hook that fails, in whichever way, has no effects.
func testAtomicity(h *harness) {
	watch := h.dial("x?do=join|r")
	watch.want("ok")
	for _, end := range []string{"fail|no", "propagate", "trap"} {
		c := h.dial("x")
		c.run("value_set|k|before;store_set|k|before|0;join|mine", "ok", "ok", "ok")
		c.run("join|r;leave|mine;identify|eve;value_set|k|after;store_set|k|after|0;store_add|n|1|0;timer_set|t|60000;"+
			"broadcast|r|x;broadcast_all|x;send|x;close|4000|x;"+end, internalError)
		c.run("rooms;user;value_get|k;store_get|k;store_get|n;timer_clear|t;room_size|r;online|eve",
			"=mine", "=", "=before", "=before", "!NOT_FOUND", "!NOT_FOUND", "=1", "=0")
	}
	watch.run("send|end", "end", "ok")
}

func testRefusals(h *harness) {
	watch := h.dial("x?do=join|r;store_set|on_close|event|0")
	watch.want("ok", "ok")
	for script, status := range map[string]int{
		"refuse|401": 401, "broadcast|r|x;refuse|418": 418, "refuse|599": 599,
		"fail|no": 500, "propagate": 500, "trap": 500, "refuse|200": 500, "refuse_close|1000": 500,
	} {
		_, res, err := h.tryDial("x?do="+script, nil)
		if err == nil || res == nil || res.StatusCode != status {
			h.Errorf("%s: got %v, %v; want the status %d", script, res, err, status)
		}
	}
	for _, code := range []int{3000, 4999} {
		c := h.dial("x?do=send|no;refuse_close|" + strconv.Itoa(code))
		c.want("no", "ok")
		c.wantClose(code, "")
	}
	// No refused connection has joined, and none has run on_close.
	watch.run("room_size|r;send|end", "=1", "end", "ok")
}

func testClose(h *harness) {
	c := h.dial("x")
	// The answer to close comes after the close, so it is not sent.
	c.run("send|bye;close|4001|why not", "bye", "ok")
	c.wantClose(4001, "why not")
	c = h.dial("x?do=close|1008|" + strings.Repeat("r", 123))
	c.wantClose(1008, strings.Repeat("r", 123))
}

// testOnClose: on_close runs once, with code, reason, rooms and user. The connection has left its rooms and
// gets no messages.
func testOnClose(h *harness) {
	watch := h.dial("x")
	watch.run("store_set|on_close|event,user,rooms,room_size/r,store_add/closes/1/0,send/lost|0", "ok")
	for i, end := range []struct {
		close func(c client)
		event string
	}{
		{func(c client) { _ = c.Close(4002, "enoügh") }, "4002|enoügh"},
		{func(c client) { _ = c.CloseNow() }, "1006|"},
		{func(c client) {
			c.send("close|4003|by you")
			c.wantClose(4003, "by you")
		}, "4003|by you"},
	} {
		c := h.dial("x?do=identify|ann;join|r;join|q")
		c.want("ok", "ok", "ok")
		end.close(c)
		watch.want("="+end.event, "=ann", "=r,q", "=0", fmt.Sprintf("=%d", i+1), "ok")
	}
	watch.run("store_get|closes;send|end", "=3", "end", "ok")
}

func testOnCloseAfterTrap(h *harness) {
	watch, c := h.dial("x"), h.dial("x")
	watch.run("store_set|on_close|event|0", "ok")
	c.run("trap", internalError)
	c.run("send|alive", "alive", "ok")
	_ = c.Close(1000, "")
	watch.want("=1000|")
	// An on_close that fails has no effects and is not repeated.
	watch.run("store_set|on_close|store_add/closes/1/0,trap|0", "ok")
	c = h.dial("x")
	_ = c.Close(1000, "")
	h.waitLog("hook=on_close plugin=") // the failure
	watch.run("store_set|on_close|event|0", "ok")
	c = h.dial("x")
	_ = c.Close(4000, "")
	watch.want("=4000|")
	watch.run("store_get|closes", "!NOT_FOUND")
}

func testTimers(h *harness) {
	a, b := h.dial("x"), h.dial("x")
	a.run("store_set|on_timer|event,id|0;id", "ok", "~=[0-9]+")
	a.run("timer_set|tick tock|1", "ok", "=tick tock", "~=[0-9]+")
	a.run("timer_set|again|60000;timer_set|again|0", "ok", "ok", "=again", "~=[0-9]+")
	b.run("store_set|on_timer|event|0;channel_timer_set|all|1", "ok", "ok", "=all")
	a.want("=all")
	a.run("timer_set|never|30;timer_clear|never;timer_set|last|40", "ok", "ok", "ok", "=last")
}

func testPresence(h *harness) {
	watch := h.dial("x")
	watch.run("store_set|on_presence|event,room_users/r|0", "ok")
	c := h.dial("x?do=identify|ann;join|r")
	// The events of the channel and of the room come in no fixed order.
	got := map[string]bool{}
	for range 2 {
		_, event := watch.next("on_presence")
		got[event] = true
		watch.want("=ann")
	}
	if !got["=|ann|1"] || !got["=r|ann|1"] {
		h.Fatalf("got %v", got)
	}
	c.CloseNow()
	for range 2 {
		_, event := watch.next("on_presence")
		got[event] = true
		watch.want("=")
	}
	if !got["=|ann|0"] || !got["=r|ann|0"] {
		h.Fatalf("got %v", got)
	}
}

// testOnPublish: the plugin decides about publications.
func testOnPublish(h *harness) {
	c := h.dial("x?do=join|r;identify|ann")
	c.want("ok", "ok")
	publish := func(p host.Publication) (host.Delivery, error) { return h.host.Publish(h.Context(), p) }
	for _, p := range []host.Publication{
		{Room: "r", Route: "/c/:id", Data: []byte("nobody gets it")}, {All: true, Data: []byte("nor this")},
	} {
		if _, err := publish(p); err != nil {
			h.Fatal(err)
		}
	}
	c.run("store_set|on_publish|event,send_user/ann/psst|0", "ok")
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
			h.Fatal(err)
		}
		c.want("="+tc.event, "psst", "ok")
	}
	c.run("store_set|on_publish|broadcast_all/no,refuse/403|0", "ok")
	var refused *host.RefusedError
	_, err := publish(host.Publication{All: true, Data: []byte("x")})
	if !errors.As(err, &refused) || refused.Status != 403 {
		h.Fatalf("got %v, want a refusal with 403", err)
	}
	c.run("store_set|on_publish|broadcast_all/no,trap|0", "ok")
	if _, err := publish(host.Publication{All: true, Data: []byte("x")}); err == nil {
		h.Fatal("a trap in on_publish is no error")
	}
	c.run("send|end", "end", "ok")
}

const secret = "0123456789abcdef0123456789abcdef"

// testClaims: a guest gets the claims of a verified token.
func testClaims(h *harness) {
	payload := `{"sub":"ann","exp":4000000000,"note":"` + strings.Repeat("long ", 300) + `"}`
	b64 := base64.RawURLEncoding.EncodeToString
	token := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	token += "." + b64(mac.Sum(nil))
	c, _, err := h.tryDial("x", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		h.Fatal(err)
	}
	c.run("claims;user", "="+payload, "=ann")
	h.dial("x").run("claims", "!NOT_FOUND")
}

func testOnPing(h *harness) {
	c := h.dial("x")
	c.run("store_set|on_ping|event|0", "ok")
	done := make(chan error, 1)
	go func() { done <- c.Ping(h.Context()) }()
	c.want("~=[0-9]+") // the client counts its pings
	// The pong is read with the next message.
	c.run("send|end", "end", "ok")
	if err := <-done; err != nil {
		h.Fatal(err)
	}
}

func testOnPong(h *harness) {
	c := h.dial("x")
	c.run("store_set|on_pong|store_set/seen/yes/0|0", "ok")
	c.runUntil("store_get|seen", "=yes")
}

func testTimeToLive(h *harness) {
	c := h.dial("x")
	c.run("store_set|kept|v|0;store_set|k|v|60000;store_get|k;store_set|k|v|30;store_add|n|1|30;store_add|n|1|30",
		"ok", "ok", "=v", "ok", "=1", "=2")
	c.runUntil("store_get|k", "!NOT_FOUND")
	c.runUntil("store_get|n", "!NOT_FOUND")
	c.run("store_get|kept", "=v")
}

// testLog: lines are logged at once, also those of a hook that fails, and the reason of the failure.
func testLog(h *harness) {
	c := h.dial("x")
	c.run("log|0|first line;log|1|second line;log|2|third line", "ok", "ok", "ok")
	c.run("log|3|fourth line;fail|the reason", internalError)
	log := h.log.String()
	for _, want := range []string{
		"DEBUG:first line", "INFO:second line", "WARN:third line", "ERROR:fourth line", ":the reason",
	} {
		level, text, _ := strings.Cut(want, ":")
		found := false
		for line := range strings.Lines(log) {
			found = found || strings.Contains(line, text) && strings.Contains(line, "level="+level)
		}
		if !found {
			h.Errorf("the log lacks %s", want)
		}
	}
}

func testMetrics(h *harness) {
	c := h.dial("x")
	const script = "counter_add|moves|2|kind=a,by=b;counter_add|moves|3|by=b,kind=a;" +
		"gauge_set|depth|7;gauge_set|depth|-4;histogram_observe|size|10"
	c.run(script+";counter_add|lost|1;fail|no", internalError)
	c.run(script, "ok", "ok", "ok", "ok", "ok")
	internal, err := admin.New(h.host, admin.Options{})
	if err != nil {
		h.Fatal(err)
	}
	defer internal.Close()
	server := httptest.NewServer(internal)
	defer server.Close()
	res, err := http.Get(server.URL + "/metrics")
	if err != nil {
		h.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, want := range []string{
		`~azuhost_app_moves_total\{by="b",kind="a",.*\} 5`, `~azuhost_app_depth\{.*\} -4`,
		`~azuhost_app_size_count\{.*\} 1`, `~azuhost_app_size_sum\{.*\} 10`,
	} {
		if !slices.ContainsFunc(lines, func(line string) bool { return matches(line, want) }) {
			h.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(string(text), "azuhost_app_lost") {
		h.Error("a failed hook has counted")
	}
}

func testNow(h *harness) {
	c := h.dial("x")
	before := time.Now().UnixNano()
	c.send("now")
	_, text := c.next("the time")
	got, err := strconv.ParseInt(text[1:], 10, 64)
	if err != nil || got < before || got > time.Now().UnixNano() {
		h.Fatalf("got %s, %v", text, err)
	}
}

func testNoConfig(h *harness) { h.dial("x").run("config;store_get|loads", "={}", "!NOT_FOUND") }

// testConfigFails: a plugin whose on_load fails is refused.
func (g guest) testConfigFails(t *testing.T) {
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

// testNotAllowed: a call of an optional capability that the operator does not allow returns PERM.
func (g guest) testNotAllowed(t *testing.T) {
	data, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := host.Inspect(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	hasManifest := false
	for _, u := range info.Uses {
		hasManifest = hasManifest || u.Optional
	}
	if !hasManifest {
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
	newHarness(t, o).dial("x").run("send|a;join|r;leave|r;identify|ann;close|1000|;value_get|k;value_set|k|v;"+
		"store_get|k;store_set|k|v|0;store_add|n|1|0;timer_set|t|1;channel_timer_clear|t;gauge_set|g|1",
		append([]string{"a", "ok"}, slices.Repeat([]string{"!PERM"}, 12)...)...)
}
