package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// behavior is a behavior that needs several connections, or a backend of its own.
type behavior struct {
	name  string
	setup setup
	test  func(*harness)
}

var behaviors = []behavior{
	{name: "echo of any size and kind", test: testEcho},
	{name: "data that is not UTF-8", test: testInvalidUTF8},
	{name: "broadcasts", test: testBroadcasts},
	{name: "messages to users", test: testUsers},
	{name: "members by id", test: testMembers},
	{name: "long lists", test: testLongLists},
	{name: "state in the guest", test: testGuestState},
	{name: "a failed hook has no effects", test: testAtomicity},
	{name: "refused with a status", test: testRefusals},
	{name: "closed in on_connect", test: testRefuseClose},
	{name: "closed by the plugin", test: testClose},
	{name: "on_close exactly once", test: testOnClose},
	{name: "on_close after a trap", test: testOnCloseAfterTrap},
	{name: "timers", test: testTimers},
	{name: "a timer that sets itself", test: testRepeatedTimer},
	{name: "on_presence", test: testPresence},
	{name: "on_publish", test: testPublish},
	{name: "claims of a token", test: testClaims, setup: setup{tokens: true}},
	{name: "on_ping", test: testPing},
	{name: "on_pong", test: testPong, setup: setup{hostPings: true}},
	{name: "time to live in the store", test: testTimeToLive},
	{name: "log", test: testLog},
	{name: "metrics", test: testMetrics},
	{name: "time", test: testNow},
	{name: "no config", test: testNoConfig, setup: setup{noConfig: true}},
}

// runBehaviors runs each behavior on a backend of its own. skipped has the reasons for which some are left out.
func runBehaviors(t *testing.T, o opener, skipped map[string]string) {
	for _, b := range behaviors {
		t.Run(b.name, func(t *testing.T) {
			skipNamed(t, skipped, b.name)
			b.test(open(t, o, b.setup))
		})
	}
}

// testEcho has messages that are empty, as large as the inbox of most SDKs, larger, and smaller again.
func testEcho(h *harness) {
	c := h.dial("x")
	for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000, 3, 700_000, 64 << 10} {
		for _, kind := range []abi.Kind{abi.Text, abi.Binary} {
			data := ("#" + strings.Repeat("0123456789", n/10+1))[:n]
			c.write(kind, data)
			if got := c.next(shorten(data)); got != (message{kind, data}) {
				h.Fatalf("%d bytes of kind %v came back as %d bytes of kind %v", n, kind, len(got.data), got.kind)
			}
		}
	}
	c.exchange("event", "=text 5")
	c.write(abi.Binary, "event;send_binary|b")
	c.expect("=binary 19")
	if got := c.next("b"); got != (message{abi.Binary, "b"}) {
		h.Fatalf("got %q of kind %v", got.data, got.kind)
	}
	c.expect("ok")
}

func testInvalidUTF8(h *harness) {
	c := h.dial("x")
	c.write(abi.Binary, "#\xff\x00\xfe")
	c.expect("#\xff\x00\xfe")
	c.write(abi.Binary, "send|\xff")
	c.expect("!INVALID")
	c.write(abi.Binary, "join|\xff")
	c.expect("!INVALID")
}

func testBroadcasts(h *harness) {
	a, b, other := h.dial("x?do=join|r"), h.dial("x?do=join|r"), h.dial("x")
	a.expect("ok")
	b.expect("ok")
	a.exchange("broadcast|r|one;broadcast_except|r|two;broadcast_all|three;broadcast_all_except|four;room_size|r",
		"one", "ok", "ok", "three", "ok", "ok", "=2")
	b.expect("one", "two", "three", "four")
	other.expect("three", "four")
	// A hook may broadcast to a room that it joins and leaves.
	other.exchange("join|r;broadcast|r|five;leave|r;broadcast|r|six", "ok", "five", "ok", "ok", "ok")
	b.expect("five", "six")
}

func testUsers(h *harness) {
	ann, ann2 := h.dial("x?do=identify|ann"), h.dial("x?do=identify|ann")
	bob, carl := h.dial("x?do=identify|bob"), h.dial("x?do=identify|carl")
	for _, c := range []client{ann, ann2, bob, carl} {
		c.expect("ok")
	}
	carl.exchange("send_user|ann|hi;send_users|bob,ann|you;users;online|bob", "ok", "ok", "=ann,bob,carl", "=1")
	ann.expect("hi", "you")
	ann2.expect("hi", "you")
	bob.expect("you")
}

func testMembers(h *harness) {
	a, b := h.dial("x?do=join|r;id"), h.dial("x?do=join|r;id")
	ids := make([]string, 2)
	for i, c := range []client{a, b} {
		c.expect("ok")
		ids[i] = c.next("an id").data[1:]
	}
	a.run("room_members|r")
	list := strings.Split(a.next("ids").data[1:], ",")
	slices.Sort(list)
	if want := slices.Sorted(slices.Values(ids)); !slices.Equal(list, want) {
		h.Fatalf("got %v, want %v", list, want)
	}
	a.exchange("send_to|"+ids[1]+"|to you", "ok")
	b.expect("to you")
	a.exchange("id", "="+ids[0])
}

// testLongLists has lists that are longer than the first buffer of any SDK.
func testLongLists(h *harness) {
	c := h.dial("x")
	var rooms, join, oks []string
	for i := range 80 {
		rooms = append(rooms, fmt.Sprintf("%03d%s", i, strings.Repeat("r", 200)))
		join = append(join, "join|"+rooms[i])
		oks = append(oks, "ok")
	}
	c.exchange(strings.Join(join, ";"), oks...)
	c.exchange("rooms", "="+strings.Join(rooms, ","))
	for range 40 {
		h.dial("x?do=join|many")
	}
	c.run("room_members|many")
	if got := c.next("ids").data; strings.Count(got, ",") != 39 {
		h.Fatalf("got %s, want 40 ids", got)
	}
}

func testGuestState(h *harness) {
	a, b := h.dial("x"), h.dial("x")
	a.exchange("count", "=1")
	b.exchange("count;count", "=2", "=3")
	a.exchange("count", "=4")
}

// testAtomicity: a hook that fails has no effects, however it fails.
func testAtomicity(h *harness) {
	watcher := h.dial("x?do=join|r")
	watcher.expect("ok")
	for _, end := range []string{"fail|no", "propagate", "trap"} {
		c := h.dial("x")
		c.exchange("value_set|k|before;store_set|k|before|0;join|mine", "ok", "ok", "ok")
		c.exchange("join|r;leave|mine;identify|eve;value_set|k|after;store_set|k|after|0;store_add|n|1|0;"+
			"timer_set|t|60000;broadcast|r|x;broadcast_all|x;send|x;close|4000|x;"+end, internalError)
		c.exchange("rooms;user;value_get|k;store_get|k;store_get|n;timer_clear|t;room_size|r;online|eve",
			"=mine", "=", "=before", "=before", "!NOT_FOUND", "!NOT_FOUND", "=1", "=0")
	}
	watcher.exchange("send|end", "end", "ok")
}

func testRefusals(h *harness) {
	watcher := h.dial("x?do=join|r;store_set|on_close|event|0")
	watcher.expect("ok", "ok")
	for script, status := range map[string]int{
		"refuse|401": 401, "broadcast|r|x;refuse|418": 418, "refuse|599": 599,
		"fail|no": 500, "propagate": 500, "trap": 500, "refuse|200": 500, "refuse_close|1000": 500,
	} {
		_, err := h.connect(request{path: "x?do=" + script})
		var refused *refusedError
		if !errors.As(err, &refused) || refused.status != status {
			h.Errorf("%s: got %v, want the status %d", script, err, status)
		}
	}
	// The refused connections are in no room, and have no on_close.
	watcher.exchange("room_size|r;send|end", "=1", "end", "ok")
}

func testRefuseClose(h *harness) {
	watcher := h.dial("x?do=join|r;store_set|on_close|event|0")
	watcher.expect("ok", "ok")
	for _, code := range []int{3000, 4999} {
		c := h.dial("x?do=send|no;refuse_close|" + strconv.Itoa(code))
		c.expect("no", "ok")
		c.expectClose(code, "")
	}
	watcher.exchange("room_size|r;send|end", "=1", "end", "ok")
}

func testClose(h *harness) {
	c := h.dial("x")
	// What the hook sends after close is dropped, which includes the answer to it.
	c.exchange("send|bye;close|4001|why not", "bye", "ok")
	c.expectClose(4001, "why not")
	c = h.dial("x")
	c.run("close|4001|first;close|4002|second")
	c.expectClose(4001, "first")
	c = h.dial("x?do=close|1008|" + strings.Repeat("r", 123))
	c.expectClose(1008, strings.Repeat("r", 123))
}

// testOnClose: on_close runs once, with the code, the reason, the rooms and the user of the connection. The connection
// has left its rooms, and receives nothing.
func testOnClose(h *harness) {
	watcher := h.dial("x")
	watcher.exchange("store_set|on_close|event,user,rooms,room_size/r,store_add/closes/1/0,send/lost|0", "ok")
	for i, end := range []struct {
		close func(c client) error
		event string
	}{
		{func(c client) error { return c.close(4002, "enoügh") }, "4002|enoügh"},
		{func(c client) error { return c.abort() }, "1006|"},
		{func(c client) error {
			c.run("close|4003|by you")
			c.expectClose(4003, "by you")
			return nil
		}, "4003|by you"},
	} {
		c := h.dial("x?do=identify|ann;join|r;join|q")
		c.expect("ok", "ok", "ok")
		if err := end.close(c); err != nil {
			h.Fatal(err)
		}
		watcher.expect("="+end.event, "=ann", "=r,q", "=0", fmt.Sprintf("=%d", i+1), "ok")
	}
	watcher.exchange("store_get|closes;send|end", "=3", "end", "ok")
}

func testOnCloseAfterTrap(h *harness) {
	watcher, c := h.dial("x"), h.dial("x")
	closeNormally := func(c client, code int) {
		if err := c.close(code, ""); err != nil {
			h.Fatal(err)
		}
	}
	watcher.exchange("store_set|on_close|event|0", "ok")
	c.exchange("trap", internalError)
	c.exchange("send|alive", "alive", "ok")
	closeNormally(c, 1000)
	watcher.expect("=1000|")
	// An on_close that fails has no effects, and is not repeated.
	watcher.exchange("store_set|on_close|store_add/closes/1/0,trap|0", "ok")
	closeNormally(h.dial("x"), 1000)
	if err := h.awaitFailure("on_close"); err != nil {
		h.Fatal(err)
	}
	watcher.exchange("store_set|on_close|event|0", "ok")
	closeNormally(h.dial("x"), 4000)
	watcher.expect("=4000|")
	watcher.exchange("store_get|closes", "!NOT_FOUND")
}

func testTimers(h *harness) {
	a, b := h.dial("x"), h.dial("x")
	a.exchange("store_set|on_timer|event,id|0;id", "ok", "~=[0-9]+")
	a.exchange("timer_set|tick tock|1", "ok", "=tick tock", "~=[0-9]+")
	a.exchange("timer_set|again|60000;timer_set|again|0", "ok", "ok", "=again", "~=[0-9]+")
	b.exchange("store_set|on_timer|event|0;channel_timer_set|all|1", "ok", "ok", "=all")
	a.expect("=all")
	a.exchange("timer_set|never|30;timer_clear|never;timer_set|last|40", "ok", "ok", "ok", "=last")
}

// testRepeatedTimer: a timer with a delay of 0 that on_timer sets again fires a millisecond later, and other events run
// meanwhile.
func testRepeatedTimer(h *harness) {
	c, other := h.dial("x"), h.dial("x")
	c.exchange("store_set|on_timer|event,timer_set/again/0|0;timer_set|again|0", "ok", "ok",
		"=again", "ok", "=again", "ok", "=again", "ok")
	other.exchange("send|meanwhile;store_delete|on_timer", "meanwhile", "ok", "ok")
}

func testPresence(h *harness) {
	watcher := h.dial("x")
	watcher.exchange("store_set|on_presence|event,room_users/r|0", "ok")
	// The events of the channel and of the room have no order.
	seen := map[string]bool{}
	expectEvents := func(users, inChannel, inRoom string) {
		for range 2 {
			seen[watcher.next("on_presence").data] = true
			watcher.expect(users)
		}
		if !seen[inChannel] || !seen[inRoom] {
			h.Fatalf("got %v, want %s and %s", seen, inChannel, inRoom)
		}
	}
	c := h.dial("x?do=identify|ann;join|r")
	expectEvents("=ann", "=|ann|1", "=r|ann|1")
	if err := c.abort(); err != nil {
		h.Fatal(err)
	}
	expectEvents("=", "=|ann|0", "=r|ann|0")
}

// testPublish: a guest with on_publish decides about messages from outside.
func testPublish(h *harness) {
	c := h.dial("x?do=join|r;identify|ann")
	c.expect("ok", "ok")
	for _, p := range []publication{
		{room: "r", kind: abi.Text, data: "dropped"}, {kind: abi.Text, data: "dropped, too"},
	} {
		if err := h.publish(p); err != nil {
			h.Fatal(err)
		}
	}
	c.exchange("store_set|on_publish|event,send_user/ann/psst|0", "ok")
	for _, test := range []struct {
		p     publication
		event string
	}{
		{publication{room: "r", kind: abi.Text, data: "to\nthe room"}, "room|r|text|to\nthe room"},
		{publication{user: "ann", kind: abi.Text, data: "you"}, "user|ann|text|you"},
		{publication{kind: abi.Text}, "all||text|"},
		{publication{kind: abi.Binary, data: "\x01"}, "all||binary|\x01"},
	} {
		if err := h.publish(test.p); err != nil {
			h.Fatal(err)
		}
		c.expect("="+test.event, "psst", "ok")
	}
	c.exchange("store_set|on_publish|broadcast_all/no,refuse/403|0", "ok")
	var refused *refusedError
	if err := h.publish(publication{kind: abi.Text, data: "x"}); !errors.As(err, &refused) || refused.status != 403 {
		h.Fatalf("got %v, want a refusal with 403", err)
	}
	c.exchange("store_set|on_publish|broadcast_all/no,trap|0", "ok")
	if err := h.publish(publication{kind: abi.Text, data: "x"}); err == nil {
		h.Fatal("a trap in on_publish is no error")
	}
	c.exchange("send|end", "end", "ok")
}

// testClaims: claims returns the payload of the token unchanged.
func testClaims(h *harness) {
	payload := `{"sub":"ann","exp":4000000000,"note":"` + strings.Repeat("long ", 300) + `"}`
	h.dialWith(request{path: "x", claims: payload}).exchange("claims;user", "="+payload, "=ann")
	h.dial("x").exchange("claims", "!NOT_FOUND")
}

func testPing(h *harness) {
	c := h.dial("x")
	c.exchange("store_set|on_ping|event|0", "ok")
	wait := c.ping()
	c.expect("~=[0-9]+")
	c.exchange("send|end", "end", "ok") // reads the pong, too
	if err := wait(); err != nil {
		h.Fatal(err)
	}
}

func testPong(h *harness) {
	c := h.dial("x")
	c.exchange("store_set|on_pong|store_set/seen/yes/0|0", "ok")
	if err := c.pong(); err != nil {
		h.Fatal(err)
	}
	h.poll(c, "store_get|seen", "=yes")
}

func testTimeToLive(h *harness) {
	c := h.dial("x")
	c.exchange("store_set|kept|v|0;store_set|k|v|60000;store_get|k;store_set|k|v|30;store_add|n|1|30;store_add|n|1|30",
		"ok", "ok", "=v", "ok", "=1", "=2")
	h.poll(c, "store_get|k", "!NOT_FOUND")
	h.poll(c, "store_get|n", "!NOT_FOUND")
	c.exchange("store_get|kept", "=v")
}

// testLog: lines are written at once, even if the hook fails, and the log has the reason of the failure.
func testLog(h *harness) {
	c := h.dial("x")
	c.exchange("log|0|first line;log|1|second line;log|2|third line", "ok", "ok", "ok")
	c.exchange("log|3|fourth line;fail|the reason", internalError)
	lines := h.logLines()
	for _, want := range []logLine{
		{"DEBUG", "first line"}, {"INFO", "second line"}, {"WARN", "third line"}, {"ERROR", "fourth line"},
		{"", "the reason"},
	} {
		if !slices.ContainsFunc(lines, func(l logLine) bool {
			return strings.Contains(l.text, want.text) && (want.level == "" || l.level == want.level)
		}) {
			h.Errorf("the log lacks %s at level %q", want.text, want.level)
		}
	}
}

func testMetrics(h *harness) {
	const script = "counter_add|moves|2|kind=a,by=b;counter_add|moves|3|by=b,kind=a;" +
		"gauge_set|depth|7;gauge_set|depth|-4;histogram_observe|size|10"
	c := h.dial("x")
	c.exchange(script+";counter_add|lost|1;fail|no", internalError)
	c.exchange(script, "ok", "ok", "ok", "ok", "ok")
	for _, want := range []struct {
		name   string
		labels []label
		value  float64
	}{
		{"moves", []label{{"by", "b"}, {"kind", "a"}}, 5}, {"depth", nil, -4}, {"size", nil, 10},
	} {
		if got, ok := h.metric(want.name, want.labels...); !ok || got != want.value {
			h.Errorf("the metric %s is %v, want %v", want.name, got, want.value)
		}
	}
	if _, ok := h.backend.(*hostBackend); ok { // the count is not in the fake hosts
		if got, _ := h.metric("size_count"); got != 1 {
			h.Errorf("the histogram has %v observations, want 1", got)
		}
	}
	if _, ok := h.metric("lost"); ok {
		h.Error("a hook that failed has changed a metric")
	}
	// A metric keeps its operation and its labels.
	c.exchange("gauge_set|depth|1|a=b;histogram_observe|depth|1;counter_add|moves|1|kind=a",
		"!INVALID", "!INVALID", "!INVALID")
	c.exchange("gauge_set|twice|1|a=b;gauge_set|twice|2|c=d", "ok", "ok")
	if _, ok := h.metric("twice", label{"c", "d"}); ok {
		h.Error("a metric has two sets of labels")
	}
}

func testNow(h *harness) {
	c := h.dial("x")
	before := h.now().UnixNano()
	c.run("now")
	text := c.next("the time").data
	got, err := strconv.ParseInt(text[1:], 10, 64)
	if err != nil || got < before || got > h.now().UnixNano() {
		h.Fatalf("got %s, %v", text, err)
	}
}

func testNoConfig(h *harness) { h.dial("x").exchange("config;store_get|loads", "={}", "!NOT_FOUND") }

// testFailingConfig: an on_load that fails refuses the plugin.
func testFailingConfig(t *testing.T, o opener) {
	_, err := o(t, setup{script: "fail|not this config"})
	if err == nil || !strings.Contains(err.Error(), "not this config") {
		t.Fatalf("got %v", err)
	}
}
