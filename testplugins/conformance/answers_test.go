package conformance

import (
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// internal is what a client is told whose hook failed.
const internal = `{"type":"error","code":"INTERNAL_ERROR"}`

// answer is a behaviour that one connection can show by itself.
type answer struct {
	name string
	// path is where it connects; empty: without a query.
	path string
	// say is sent, then want is read. Scripts use keys and rooms of their own.
	say  string
	want []string
}

func list(answers ...string) []string { return answers }

var (
	name255 = strings.Repeat("é", 127) + "x"
	name256 = strings.Repeat("é", 128)
	long    = strings.Repeat("long ", 600)
	longer  = strings.Repeat("longer ", 20_000)
)

var answers = []answer{
	{"send", "", "send|a;send|;send|b b", list("a", "ok", "", "ok", "b b", "ok")},
	{"send to itself by id", "", "send_to|99999999|x", list("!NOT_FOUND")},
	{"UTF-8", "", "send|hé🌍\u2028", list("hé🌍\u2028", "ok")},
	{"rooms of a connection", "", "rooms;join|r1;join|r2;join|r1;rooms;leave|r1;leave|r9;rooms;room_size|r1;room_size|r2",
		list("=", "ok", "ok", "ok", "=r1,r2", "ok", "ok", "=r2", "=0", "=1")},
	{"own writes are seen", "", "join|own;room_size|own;broadcast|own|hi;identify|ann-own;user;room_users|own;online|ann-own",
		list("ok", "=1", "hi", "ok", "ok", "=ann-own", "=ann-own", "=1")},
	{"a broadcast without members", "", "broadcast|nobody-here|x;room_members|nobody-here;room_users|nobody-here", list("ok", "=", "=")},
	{"names of 255 and 256 bytes", "", "join|" + name255 + ";rooms;join|" + name256, list("ok", "="+name255, "!INVALID")},
	{"names that are none", "", "join|;join|a\u0001b;value_set||x;store_set||x|0;timer_set||10;broadcast||x",
		list("!INVALID", "!INVALID", "!INVALID", "!INVALID", "!INVALID", "!INVALID")},
	{"users", "", "user;identify|ünal;user;identify|;user;identify|a\u0001", list("=", "ok", "=ünal", "ok", "=", "!INVALID")},
	{"a user that is not there", "", "send_user|nobody|x;send_users|nobody,no one|x;online|nobody", list("ok", "ok", "=0")},
	{"a list with a wrong user", "", "send_users|nobody,,x|x", list("!INVALID")},
	{"parameters", "seven%20up", "param|id;param|other", list("=seven up", "!NOT_FOUND")},
	{"query in on_connect", "x?do=query|do;query|other;event", "send|end",
		list("=query|do;query|other;event", "!NOT_FOUND", `~=/c/x\?do=.+`, "end", "ok")},
	{"query later", "", "query|do;header|host", list("!STATE", "!STATE")},
	{"a long query", "x?do=query|do;send|" + long, "send|end", list("=query|do;send|"+long, long, "ok", "end", "ok")},
	{"header in on_connect", "x?do=header|X-Long;header|x-long;header|X-None", "send|end", list("="+long[:len(long)-1], "="+long[:len(long)-1], "!NOT_FOUND", "end", "ok")},
	{"address, subprotocol, claims", "", "remote_addr;subprotocol;claims", list("=127.0.0.1", "=chat.v1", "!NOT_FOUND")},
	{"values", "", "value_get|k;value_set|k|v;value_get|k;value_set|k|;value_get|k;value_delete|k;value_get|k;value_delete|k",
		list("!NOT_FOUND", "ok", "=v", "ok", "=", "ok", "!NOT_FOUND", "!NOT_FOUND")},
	{"a value larger than the first buffer", "", "value_set|k|" + long + ";value_get|k", list("ok", "="+long)},
	{"more values than there may be", "", "value_set|k|" + longer, list("!LIMIT")},
	{"the store", "", "store_get|s1;store_set|s1|v|0;store_get|s1;store_delete|s1;store_get|s1;store_delete|s1",
		list("!NOT_FOUND", "ok", "=v", "ok", "!NOT_FOUND", "!NOT_FOUND")},
	{"a large value in the store", "", "store_set|s2|" + longer + "|0;store_get|s2", list("ok", "="+longer)},
	{"numbers in the store", "", "store_add|s3|5|0;store_add|s3|-7|0;store_get|s3;store_set|s3|x|0;store_add|s3|1|0;store_add|s4|9000000000000|0",
		list("=5", "=-2", "=-2", "ok", "!INVALID", "=9000000000000")},
	{"timers that are not there", "", "timer_clear|t1;channel_timer_clear|t1;timer_set|t1|60000;timer_clear|t1;channel_timer_set|t1|60000;channel_timer_clear|t1;timer_clear|t1",
		list("!NOT_FOUND", "!NOT_FOUND", "ok", "ok", "ok", "ok", "!NOT_FOUND")},
	{"closes that are not allowed", "", "close|999|x;close|1005|x;close|1000|" + strings.Repeat("r", 124), list("!INVALID", "!INVALID", "!INVALID")},
	{"metrics that are wrong", "", "counter_add|not a name|1;counter_add|less|-1;gauge_set|g|1|no label", list("!INVALID", "!INVALID", "~ok|!INVALID")},
	{"every error has its name", "", "errno|-1;errno|-2;errno|-3;errno|-4;errno|-5;errno|-6;errno|-7;errno|-8",
		list("!INVALID", "!NOT_FOUND", "!PERM", "!LIMIT", "!STATE", "!TIMEOUT", "!UNAVAILABLE", "!FAILED")},
	{"what a message is", "", "event", list("=text 5")},
	{"the config", "", "config;store_get|loads", list(`={"do":"store_add|loads|1|0"}`, "=1")},
	{"a hook that fails", "", "send|before;fail|no luck", list(internal)},
	{"a hook that ends with an error of the host", "", "send|before;propagate", list(internal)},
	{"a trap", "", "send|before;trap", list(internal)},
}

// answers asks everything that one connection can ask, on one host.
func (g guest) answers(t *testing.T) {
	s := open(t, g.options())
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			s := &stage{T: t, host: s.host, url: s.url, log: s.log}
			path := a.path
			if path == "" {
				path = "x"
			}
			o := &websocket.DialOptions{Subprotocols: []string{"chat.v1"}, HTTPHeader: map[string][]string{"X-Long": {long}}}
			c, _, err := s.try(path, o)
			if err != nil {
				t.Fatal(err)
			}
			c.ask(a.say, a.want...)
			// Nothing else came, and the connection is as good as before.
			c.ask("send|the end", "the end", "ok")
		})
	}
}
