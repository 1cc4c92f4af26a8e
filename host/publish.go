package host

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// What the program around the host sends and asks. It takes effect at once: a
// Channel that is written in Go uses its Env instead, where what a hook asks for
// happens together or not at all.
//
// A path is that of a route as Options.Routes has it, "/rooms/:room_id". The
// errors for names, kinds and sizes wrap abi.Invalid and abi.Limit.

// ErrUnknownRoute says that no route has the path.
var ErrUnknownRoute = errors.New("no such route")

// Broadcast sends a message to every member of a room of a route. A room
// without members is no error.
func (h *Host) Broadcast(path, room string, kind abi.Kind, data []byte) error {
	return h.publish(path, kind, data, func(t *hub.Turn, frame []byte) { t.Broadcast([]byte(room), frame, 0) }, room)
}

// BroadcastAll sends a message to every connection of a route.
func (h *Host) BroadcastAll(path string, kind abi.Kind, data []byte) error {
	return h.publish(path, kind, data, func(t *hub.Turn, frame []byte) { t.BroadcastAll(frame, 0) })
}

// SendUser sends a message to every connection of a user on a route. A user
// without connections is no error: Online tells.
func (h *Host) SendUser(path, user string, kind abi.Kind, data []byte) error {
	return h.SendUsers(path, []string{user}, kind, data)
}

// SendUsers is SendUser for several users. If one of the names is wrong nobody
// gets the message.
func (h *Host) SendUsers(path string, users []string, kind abi.Kind, data []byte) error {
	return h.publish(path, kind, data, func(t *hub.Turn, frame []byte) {
		for _, u := range users {
			t.SendUser([]byte(u), frame)
		}
	}, users...)
}

// Online says whether a user is present on a route: has a connection, or had
// one within the grace.
func (h *Host) Online(path, user string) (bool, error) {
	ch, err := h.route(path, user)
	if err != nil {
		return false, err
	}
	return ch.hub.Online(user), nil
}

// Users lists the users who are present on a route, sorted.
func (h *Host) Users(path string) ([]string, error) {
	ch, err := h.route(path)
	if err != nil {
		return nil, err
	}
	return ch.hub.Present(""), nil
}

// RoomSize counts the connections in a room of a route.
func (h *Host) RoomSize(path, room string) (int, error) {
	ch, err := h.route(path, room)
	if err != nil {
		return 0, err
	}
	return ch.hub.Size([]byte(room)), nil
}

// publish checks a message, encodes it once and has send deliver it.
func (h *Host) publish(path string, kind abi.Kind, data []byte, send func(*hub.Turn, []byte), names ...string) error {
	ch, err := h.route(path, names...)
	if err != nil {
		return err
	}
	limits := ch.settings.Load().limits
	switch {
	case !kind.Valid():
		return fmt.Errorf("kind %d is neither text nor binary: %w", kind, abi.Invalid)
	case kind == abi.Text && !utf8.Valid(data):
		return fmt.Errorf("text that is not UTF-8: send it as binary: %w", abi.Invalid)
	case len(data) > limits.HookBytes:
		return fmt.Errorf("a message of %d bytes, and HookBytes of route %s is %d: %w", len(data), path, limits.HookBytes, abi.Limit)
	}
	turn := hub.Turn{Hub: ch.hub}
	send(&turn, hub.AppendFrame(nil, kind, data))
	turn.Flush()
	return nil
}

// route finds the channel of a path and checks names.
func (h *Host) route(path string, names ...string) (*channel, error) {
	ch := h.channel(path)
	if ch == nil {
		var known []string
		for _, ch := range h.channels() {
			known = append(known, ch.pattern)
		}
		return nil, fmt.Errorf("%w as %q; there are: %s", ErrUnknownRoute, path, strings.Join(known, ", "))
	}
	for _, n := range names {
		if !validName(n) {
			return nil, fmt.Errorf("name %q: want 1 to %d bytes of UTF-8 without control characters: %w", n, abi.MaxName, abi.Invalid)
		}
	}
	return ch, nil
}
