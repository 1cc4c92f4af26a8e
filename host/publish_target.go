package host

import "bytes"

// Target is whom a message from outside is for: a room, a user, or with
// neither everybody.
type Target struct{ Room, User string }

// appendEvent adds the event of on_publish to dst.
func (t Target) appendEvent(dst, data []byte) []byte {
	word, name := "all", ""
	switch {
	case t.Room != "":
		word, name = "room", t.Room
	case t.User != "":
		word, name = "user", t.User
	}
	dst = append(append(dst, word...), '\n')
	dst = append(append(dst, name...), '\n')
	return append(dst, data...)
}

// splitPublish takes the event of on_publish apart.
func splitPublish(b []byte) (to Target, data []byte) {
	word, rest, _ := bytes.Cut(b, []byte{'\n'})
	name, data, _ := bytes.Cut(rest, []byte{'\n'})
	switch string(word) {
	case "room":
		to.Room = string(name)
	case "user":
		to.User = string(name)
	}
	return to, data
}
