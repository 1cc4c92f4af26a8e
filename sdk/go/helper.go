package azu

import "strings"

// timerPrefix begins the names of timers of helpers of this package. These timers do not call OnTimer.
const timerPrefix = "azu:"

// helper is a Throttle or a Batch.
type helper interface {
	// onTimer handles the timer of the helper for a room.
	onTimer(room Room) error
}

// helpers has the helpers by their names.
var helpers = map[string]helper{}

// registerHelper adds a helper to helpers. The name of its timer for a room is timerPrefix, the name of the helper, a
// colon, and the name of the room.
func registerHelper(name string, h helper) {
	if name == "" || strings.Contains(name, ":") {
		panic("azu: the name of a helper must not be empty or have a colon")
	}
	if helpers[name] != nil {
		panic("azu: there are two helpers with the name " + name)
	}
	helpers[name] = h
}

// fireHelperTimer handles a timer of a helper. It ignores a timer of a helper that only an earlier version of the
// plugin had.
func fireHelperTimer(timer string) error {
	name, room, _ := strings.Cut(timer, ":")
	if h := helpers[name]; h != nil {
		return h.onTimer(Room(room))
	}
	return nil
}
