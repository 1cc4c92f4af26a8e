package conformance

import (
	"strings"
	"testing"
)

// internalError is the message that a client gets when the hook of its message fails.
const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// exchange is a behavior that one connection can show: the answers to a script.
type exchange struct {
	name    string
	path    string // of the connection; empty: "x"
	script  string // uses keys and rooms of its own
	answers []string
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
	{"send to an unknown id", "", "send_to|99999999|x", texts("!NOT_FOUND")},
	{"UTF-8", "", "send|hé🌍\u2028", texts("hé🌍\u2028", "ok")},
	{"rooms of a connection", "",
		"rooms;join|r1;join|r2;join|r1;rooms;leave|r1;leave|r9;rooms;room_size|r1;room_size|r2",
		texts("=", "ok", "ok", "ok", "=r1,r2", "ok", "ok", "=r2", "=0", "=1")},
	{"reads see the hook's own writes", "",
		"join|own;room_size|own;broadcast|own|hi;identify|ann-own;user;room_users|own;online|ann-own",
		texts("ok", "=1", "hi", "ok", "ok", "=ann-own", "=ann-own", "=1")},
	{"a room without members", "",
		"broadcast|nobody-here|x;room_members|nobody-here;room_users|nobody-here", texts("ok", "=", "=")},
	{"names of 255 and 256 bytes", "", "join|" + name255 + ";rooms;join|" + name256,
		texts("ok", "="+name255, "!INVALID")},
	{"invalid names", "", "join|;join|a\u0001b;value_set||x;store_set||x|0;timer_set||10;broadcast||x",
		texts("!INVALID", "!INVALID", "!INVALID", "!INVALID", "!INVALID", "!INVALID")},
	{"users", "", "user;identify|ünal;user;identify|;user;identify|a\u0001",
		texts("=", "ok", "=ünal", "ok", "=", "!INVALID")},
	{"an absent user", "", "send_user|nobody|x;send_users|nobody,no one|x;online|nobody", texts("ok", "ok", "=0")},
	{"a user listed twice", "", "identify|twice;send_users|twice,twice|x", texts("ok", "x", "x", "ok")},
	{"a list with an invalid user", "", "send_users|nobody,,x|x", texts("!INVALID")},
	{"parameters", "seven%20up", "param|id;param|other", texts("=seven up", "!NOT_FOUND")},
	{"query in on_connect", "x?do=query|do;query|other;event", "send|end",
		texts("=query|do;query|other;event", "!NOT_FOUND", `~=/c/x\?do=.+`, "end", "ok")},
	{"query with characters that URLs do not have", "x?a=1;2&b=50%&c=%zz+%C3%A9&a=3&d&do=query|a;query|b;query|c;query|d",
		"send|end", texts("=1;2", "=50%", "=%zz é", "=", "end", "ok")},
	{"query outside on_connect", "", "query|do;header|host", texts("!STATE", "!STATE")},
	{"a long query", "x?do=query|do;send|" + long, "send|end", texts("=query|do;send|"+long, long, "ok", "end", "ok")},
	{"header in on_connect", "x?do=header|X-Long;header|x-long;header|X-None", "send|end",
		texts("="+long[:len(long)-1], "="+long[:len(long)-1], "!NOT_FOUND", "end", "ok")},
	{"address, subprotocol, claims", "", "remote_addr;subprotocol;claims",
		texts("=127.0.0.1", "=chat.v1", "!NOT_FOUND")},
	{"values", "",
		"value_get|k;value_set|k|v;value_get|k;value_set|k|;value_get|k;value_delete|k;value_get|k;value_delete|k",
		texts("!NOT_FOUND", "ok", "=v", "ok", "=", "ok", "!NOT_FOUND", "!NOT_FOUND")},
	{"a value larger than the first buffer", "", "value_set|k|" + long + ";value_get|k", texts("ok", "="+long)},
	{"a value over the limit", "", "value_set|k|" + longer, texts("!LIMIT")},
	{"the store", "", "store_get|s1;store_set|s1|v|0;store_get|s1;store_delete|s1;store_get|s1;store_delete|s1",
		texts("!NOT_FOUND", "ok", "=v", "ok", "!NOT_FOUND", "!NOT_FOUND")},
	{"a large value in the store", "", "store_set|s2|" + longer + "|0;store_get|s2", texts("ok", "="+longer)},
	{"numbers in the store", "",
		"store_add|s3|5|0;store_add|s3|-7|0;store_get|s3;store_set|s3|x|0;store_add|s3|1|0;store_add|s4|9000000000000|0",
		texts("=5", "=-2", "=-2", "ok", "!INVALID", "=9000000000000")},
	{"timers that are not set", "",
		"timer_clear|t1;channel_timer_clear|t1;timer_set|t1|60000;timer_clear|t1;" +
			"channel_timer_set|t1|60000;channel_timer_clear|t1;timer_clear|t1",
		texts("!NOT_FOUND", "!NOT_FOUND", "ok", "ok", "ok", "ok", "!NOT_FOUND")},
	{"invalid closes", "", "close|999|x;close|1005|x;close|1000|" + strings.Repeat("r", 124),
		texts("!INVALID", "!INVALID", "!INVALID")},
	{"invalid metrics", "",
		"counter_add|not a name|1;counter_add|less|-1;gauge_set|g|1|no label;gauge_set|g|1|1st=x;gauge_set|g|1|route=x",
		texts("!INVALID", "!INVALID", "~ok|!INVALID", "!INVALID", "!INVALID")},
	{"names of errors", "", "errno|-1;errno|-2;errno|-3;errno|-4;errno|-5;errno|-6;errno|-7;errno|-8",
		texts("!INVALID", "!NOT_FOUND", "!PERM", "!LIMIT", "!STATE", "!TIMEOUT", "!UNAVAILABLE", "!FAILED")},
	{"kind and size of a message", "", "event", texts("=text 5")},
	{"the config", "", "config;store_get|loads", texts(`={"do":"`+defaultScript+`"}`, "=1")},
	{"a hook that fails", "", "send|before;fail|no luck", texts(internalError)},
	{"a hook that ends with an error of the host", "", "send|before;propagate", texts(internalError)},
	{"a trap", "", "send|before;trap", texts(internalError)},
}

// runExchanges runs all exchanges on one backend. skipped has the reasons for which some are left out.
func runExchanges(t *testing.T, o opener, skipped map[string]string) {
	h := open(t, o, setup{})
	for _, e := range exchanges {
		t.Run(e.name, func(t *testing.T) {
			skipNamed(t, skipped, e.name)
			r := request{path: e.path, subprotocol: "chat.v1", header: map[string]string{"X-Long": long}}
			if e.path == "" {
				r.path = "x"
			}
			c := (&harness{t, h.backend}).dialWith(r)
			c.exchange(e.script, e.answers...)
			// Nothing else arrived, and the connection still works.
			c.exchange("send|the end", "the end", "ok")
		})
	}
}

// skipNamed skips a test that has a reason in skipped.
func skipNamed(t *testing.T, skipped map[string]string, name string) {
	if reason := skipped[name]; reason != "" {
		t.Skip(reason)
	}
}
