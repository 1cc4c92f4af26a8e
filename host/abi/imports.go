package abi

// ValType is a WebAssembly value type, as encoded in the binary format.
type ValType byte

// Value types that the contract uses.
const (
	I32 ValType = 0x7f
	I64 ValType = 0x7e
	F64 ValType = 0x7c
)

func (v ValType) String() string {
	switch v {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F64:
		return "f64"
	}
	return "unknown"
}

// Param is a named parameter.
type Param struct {
	Name string
	Type ValType
}

// Import is a host function.
type Import struct {
	Name   string
	Params []Param
	Result ValType
	// Since is the first version of the host that has the function.
	Since string
	Doc   string
}

// p returns a list of parameters, of type i32 unless noted. NAME:L is an i64 and
// NAME:F an f64. NAME* stands for the pair NAME_ptr, NAME_len, and buf for the
// pair buf, cap.
func p(names ...string) []Param {
	var out []Param
	for _, n := range names {
		switch {
		case n == "buf":
			out = append(out, Param{"buf", I32}, Param{"cap", I32})
		case n[len(n)-1] == '*':
			out = append(out, Param{n[:len(n)-1] + "_ptr", I32}, Param{n[:len(n)-1] + "_len", I32})
		case len(n) > 2 && n[len(n)-2:] == ":L":
			out = append(out, Param{n[:len(n)-2], I64})
		case len(n) > 2 && n[len(n)-2:] == ":F":
			out = append(out, Param{n[:len(n)-2], F64})
		default:
			out = append(out, Param{n, I32})
		}
	}
	return out
}

const v01 = "0.1"

// Imports is the table of host functions, in the order of sdk/ABI.md.
var Imports = []Import{
	{"send", p("conn:L", "kind", "data*"), I32, v01, "sends a message to one connection of the channel"},
	{"broadcast", p("room*", "kind", "data*", "except:L"), I32, v01,
		"sends to every member of a room except the connection `except` (0: to all)"},
	{"broadcast_all", p("kind", "data*", "except:L"), I32, v01,
		"sends to every connection of the channel except `except` (0: to all)"},
	{"send_user", p("user*", "kind", "data*"), I32, v01, "sends to every connection of a user"},
	{"send_users", p("users*", "kind", "data*"), I32, v01, "sends to every connection of the users, one name a line"},
	{"close", p("conn:L", "code", "reason*"), I32, v01,
		"closes a connection, behind what was sent before, with 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999"},

	{"join", p("conn:L", "room*"), I32, v01, "makes a connection a member of a room"},
	{"leave", p("conn:L", "room*"), I32, v01, "ends the membership of a connection in a room"},
	{"room_size", p("room*"), I32, v01, "counts the connections in a room"},
	{"room_members", p("room*", "buf"), I32, v01, "lists the connections in a room, each as 8 bytes, little-endian"},
	{"room_users", p("room*", "buf"), I32, v01, "lists the users present in a room, one a line, sorted"},
	{"rooms", p("conn:L", "buf"), I32, v01, "lists the rooms of a connection, one a line, in the order of joining"},

	{"identify", p("conn:L", "user*"), I32, v01, "sets the user of a connection; an empty name removes it"},
	{"user", p("conn:L", "buf"), I32, v01, "returns the user of a connection; empty if there is none"},
	{"online", p("user*"), I32, v01, "returns 1 if the user is present in the channel, else 0"},
	{"users", p("buf"), I32, v01, "lists the users present in the channel, one a line, sorted"},

	{"param", p("conn:L", "name*", "buf"), I32, v01, "returns a path parameter of a connection"},
	{"query", p("conn:L", "name*", "buf"), I32, v01, "returns a query parameter, in on_connect only"},
	{"header", p("conn:L", "name*", "buf"), I32, v01, "returns a header of the request, in on_connect only"},
	{"remote_addr", p("conn:L", "buf"), I32, v01, "returns the client's address, without the port"},
	{"subprotocol", p("conn:L", "buf"), I32, v01, "returns the agreed subprotocol; empty if there is none"},
	{"claims", p("conn:L", "buf"), I32, v01, "returns the claims of the connection's verified token, as JSON"},

	{"value_get", p("conn:L", "key*", "buf"), I32, v01, "returns a value of a connection"},
	{"value_set", p("conn:L", "key*", "data*"), I32, v01, "sets a value of a connection, for the life of the connection"},
	{"value_delete", p("conn:L", "key*"), I32, v01, "deletes a value of a connection"},

	{"store_get", p("key*", "buf"), I32, v01, "returns a value of the channel's store"},
	{"store_set", p("key*", "data*", "ttl_ms:L"), I32, v01,
		"sets a value of the channel's store, for ttl_ms milliseconds (0: without end)"},
	{"store_delete", p("key*"), I32, v01, "deletes a value of the channel's store"},
	{"store_add", p("key*", "delta:L", "ttl_ms:L", "result"), I32, v01,
		"adds to a decimal number in the store (0 if there is none) and writes the sum at result, 8 bytes, " +
			"little-endian; ttl_ms counts from the creation (0: without end)"},

	{"timer_set", p("conn:L", "name*", "after_ms:L"), I32, v01,
		"sets a timer that calls on_timer once, after_ms milliseconds from now; conn 0: of the channel; the " +
			"same name replaces it"},
	{"timer_clear", p("conn:L", "name*"), I32, v01, "clears a timer"},

	{"log", p("level", "text*"), I32, v01, "writes a line to the host's log at once, even if the hook fails"},
	{"metric", p("op", "name*", "labels*", "value:F"), I32, v01,
		"adds to, sets or observes a metric of the plugin; labels are lines of name=value"},
	{"now", nil, I64, v01, "returns the time in nanoseconds since 1970, UTC"},
	{"fail", p("text*"), I32, v01, "sets the reason of a failure; the hook fails whatever it returns"},
	{"read", p("ptr", "offset", "len"), I32, v01,
		"copies at most len bytes of the event, from offset, to ptr; returns how many"},
}

// ImportByName returns a host function.
func ImportByName(name string) (Import, bool) {
	for _, d := range Imports {
		if d.Name == name {
			return d, true
		}
	}
	return Import{}, false
}
