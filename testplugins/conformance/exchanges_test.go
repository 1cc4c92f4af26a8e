package conformance

import (
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// internalError is the answer to a client whose hook failed.
const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// exchange is a script and its answers on one connection. Scripts use keys and rooms of their own.
type exchange struct {
	name   string
	path   string // below the route; empty: no query
	script string
	want   []string
}

func texts(answers ...string) []string { return answers }

var (
	name255 = strings.Repeat("é", 127) + "x"
	name256 = strings.Repeat("é", 128)
	long    = strings.Repeat("long ", 600)
	longer  = strings.Repeat("longer ", 20_000)
)

var exchanges = []exchange{
	{"send", "", "send|a;send|;send|b b", texts("a", "ok", "", "ok", "b b", "ok")},
	{"send to itself by id", "", "send_to|99999999|x", texts("!NOT_FOUND")},
	{"UTF-8", "", "send|hé🌍\u2028", texts("hé🌍\u2028", "ok")},
	{"rooms of a connection", "",
		"rooms;join|r1;join|r2;join|r1;rooms;leave|r1;leave|r9;rooms;room_size|r1;room_size|r2",
		texts("=", "ok", "ok", "ok", "=r1,r2", "ok", "ok", "=r2", "=0", "=1")},
	{"a hook sees its own changes", "",
		"join|own;room_size|own;broadcast|own|hi;identify|ann-own;user;room_users|own;online|ann-own",
		texts("ok", "=1", "hi", "ok", "ok", "=ann-own", "=ann-own", "=1")},
	{"a broadcast without members", "",
		"broadcast|nobody-here|x;room_members|nobody-here;room_users|nobody-here",
		texts("ok", "=", "=")},
	{"names of 255 and 256 bytes", "",
		"join|" + name255 + ";rooms;join|" + name256,
		texts("ok", "="+name255, "!INVALID")},
	{"invalid names", "", "join|;join|a\u0001b;value_set||x;store_set||x|0;timer_set||10;broadcast||x",
		texts("!INVALID", "!INVALID", "!INVALID", "!INVALID", "!INVALID", "!INVALID")},
	{"users", "",
		"user;identify|ünal;user;identify|;user;identify|a\u0001",
		texts("=", "ok", "=ünal", "ok", "=", "!INVALID")},
	{"a user without connections", "",
		"send_user|nobody|x;send_users|nobody,no one|x;online|nobody",
		texts("ok", "ok", "=0")},
	{"a list with a wrong user", "", "send_users|nobody,,x|x", texts("!INVALID")},
	{"parameters", "seven%20up", "param|id;param|other", texts("=seven up", "!NOT_FOUND")},
	{"query in on_connect", "x?do=query|do;query|other;event", "send|end",
		texts("=query|do;query|other;event", "!NOT_FOUND", `~=/c/x\?do=.+`, "end", "ok")},
	{"query later", "", "query|do;header|host", texts("!STATE", "!STATE")},
	{"a long query", "x?do=query|do;send|" + long, "send|end", texts("=query|do;send|"+long, long, "ok", "end", "ok")},
	{"header in on_connect", "x?do=header|X-Long;header|x-long;header|X-None",
		"send|end",
		texts("="+long[:len(long)-1], "="+long[:len(long)-1], "!NOT_FOUND", "end", "ok")},
	{"address, subprotocol, claims", "",
		"remote_addr;subprotocol;claims",
		texts("=127.0.0.1", "=chat.v1", "!NOT_FOUND")},
	{"values", "",
		"value_get|k;value_set|k|v;value_get|k;value_set|k|;value_get|k;value_delete|k;value_get|k;value_delete|k",
		texts("!NOT_FOUND", "ok", "=v", "ok", "=", "ok", "!NOT_FOUND", "!NOT_FOUND")},
	{"a value larger than the first buffer", "", "value_set|k|" + long + ";value_get|k", texts("ok", "="+long)},
	{"values above the limit", "", "value_set|k|" + longer, texts("!LIMIT")},
	{"the store", "", "store_get|s1;store_set|s1|v|0;store_get|s1;store_delete|s1;store_get|s1;store_delete|s1",
		texts("!NOT_FOUND", "ok", "=v", "ok", "!NOT_FOUND", "!NOT_FOUND")},
	{"a large value in the store", "", "store_set|s2|" + longer + "|0;store_get|s2", texts("ok", "="+longer)},
	{"numbers in the store", "",
		"store_add|s3|5|0;store_add|s3|-7|0;store_get|s3;store_set|s3|x|0;store_add|s3|1|0;" +
			"store_add|s4|9000000000000|0",
		texts("=5", "=-2", "=-2", "ok", "!INVALID", "=9000000000000")},
	{"timers that are not set", "",
		"timer_clear|t1;channel_timer_clear|t1;timer_set|t1|60000;timer_clear|t1;" +
			"channel_timer_set|t1|60000;channel_timer_clear|t1;timer_clear|t1",
		texts("!NOT_FOUND", "!NOT_FOUND", "ok", "ok", "ok", "ok", "!NOT_FOUND")},
	{"closes that are not allowed", "",
		"close|999|x;close|1005|x;close|1000|" + strings.Repeat("r", 124),
		texts("!INVALID", "!INVALID", "!INVALID")},
	{"invalid metrics", "",
		"counter_add|not a name|1;counter_add|less|-1;gauge_set|g|1|no label",
		texts("!INVALID", "!INVALID", "~ok|!INVALID")},
	{"every error has its name", "", "errno|-1;errno|-2;errno|-3;errno|-4;errno|-5;errno|-6;errno|-7;errno|-8",
		texts("!INVALID", "!NOT_FOUND", "!PERM", "!LIMIT", "!STATE", "!TIMEOUT", "!UNAVAILABLE", "!FAILED")},
	{"event of a message", "", "event", texts("=text 5")},
	{"the config", "", "config;store_get|loads", texts(`={"do":"store_add|loads|1|0"}`, "=1")},
	{"a hook that fails", "", "send|before;fail|no luck", texts(internalError)},
	{"a hook that ends with an error of the host", "", "send|before;propagate", texts(internalError)},
	{"a trap", "", "send|before;trap", texts(internalError)},
}

// testExchanges runs all exchanges on one host.
func (g guest) testExchanges(t *testing.T) {
	s := newHarness(t, g.options())
	for _, e := range exchanges {
		t.Run(e.name, func(t *testing.T) {
			s := &harness{T: t, host: s.host, url: s.url, log: s.log}
			path := e.path
			if path == "" {
				path = "x"
			}
			o := &websocket.DialOptions{
				Subprotocols: []string{"chat.v1"}, HTTPHeader: map[string][]string{"X-Long": {long}},
			}
			c, _, err := s.tryDial(path, o)
			if err != nil {
				t.Fatal(err)
			}
			c.run(e.script, e.want...)
			// No other message came, and the connection still works.
			c.run("send|the end", "the end", "ok")
		})
	}
}
