package azu

import "strings"

// timerPrefix marks the timers of helpers of this package: they do not reach
// OnTimer.
const timerPrefix = "azu:"

// helper is something with timers of its own.
type helper interface {
	// fire handles the timer that was set for a room.
	fire(room Room) error
}

// helpers by the name under which their timers are known.
var helpers = map[string]helper{}

// enlist makes a helper known. Its timers are named prefix, name, : and the room.
func enlist(name string, h helper) {
	if name == "" || strings.Contains(name, ":") {
		panic("azu: the name of a helper is not empty and has no colon")
	}
	if helpers[name] != nil {
		panic("azu: there are two helpers with the name " + name)
	}
	helpers[name] = h
}

// fire handles a timer of a helper. One that an earlier version of the
// plugin set for a helper that is gone now has nobody who waits for it.
func fire(timer string) error {
	name, room, _ := strings.Cut(timer, ":")
	if h := helpers[name]; h != nil {
		return h.fire(Room(room))
	}
	return nil
}
