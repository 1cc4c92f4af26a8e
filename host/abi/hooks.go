package abi

// Hook is an event that a guest can handle.
type Hook uint8

// The hooks. A guest exports those that it handles.
const (
	OnConnect Hook = iota
	OnMessage
	OnClose
	OnLoad
	OnTimer
	OnPing
	OnPong
	OnPresence
	OnPublish
	NumHooks = iota
)

// HookDef defines the export of a hook. Every hook returns an i32: 0, or an error
// or refusal.
type HookDef struct {
	Name   string
	Params []Param
	// Inbox describes the bytes of the event.
	Inbox string
}

// Hooks is the table of hooks, indexed by Hook.
var Hooks = [NumHooks]HookDef{
	OnConnect: {"on_connect", []Param{{"conn", I64}, {"len", I32}},
		"the request target: the path, and the query after ? if there is one"},
	OnMessage: {"on_message", []Param{{"conn", I64}, {"len", I32}, {"kind", I32}}, "the message"},
	OnClose:   {"on_close", []Param{{"conn", I64}, {"len", I32}, {"code", I32}}, "the reason"},
	OnLoad:    {"on_load", []Param{{"len", I32}}, "the config of the route, as JSON"},
	OnTimer: {"on_timer", []Param{{"conn", I64}, {"len", I32}},
		"the name of the timer; conn is 0 for a timer of the channel"},
	OnPing:     {"on_ping", []Param{{"conn", I64}, {"len", I32}}, "the ping's payload"},
	OnPong:     {"on_pong", []Param{{"conn", I64}, {"len", I32}}, "the pong's payload"},
	OnPresence: {"on_presence", []Param{{"len", I32}, {"event", I32}}, "room \\n user; the room is empty for the channel"},
	OnPublish: {"on_publish", []Param{{"len", I32}, {"kind", I32}},
		"`room`, `user` or `all` \\n its name, empty for all \\n the message"},
}

func (h Hook) String() string {
	if int(h) < len(Hooks) {
		return Hooks[h].Name
	}
	return "unknown"
}

// HookByName returns the hook with an export name.
func HookByName(name string) (Hook, bool) {
	for i, d := range Hooks {
		if d.Name == name {
			return Hook(i), true
		}
	}
	return 0, false
}
