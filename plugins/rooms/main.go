// Rooms has one room for each path. It broadcasts every message unchanged, to the sender, too.
package main

import (
	"errors"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

type rooms struct {
	azu.Base
	// params has the names of the path parameter, in the order of preference. All connections of a route
	// have the same path, so only the name that was found stays.
	params []string
}

// errNoParam is a mistake in the configuration.
var errNoParam = errors.New("the path of the route has no room: " +
	"use /rooms/:room_id, or name the parameter with {\"param\": \"…\"} in the config")

// OnLoad takes {"param": "room_id"}.
func (r *rooms) OnLoad(config []byte) error {
	r.params = []string{"room_id", "room"}
	c, err := json.Parse(config)
	if err != nil {
		return err
	}
	if p := c.Get("param"); p.Exists() {
		if p.Str() == "" {
			return errors.New("config: param has to be the name of a path parameter, as in \"room_id\"")
		}
		r.params = []string{p.Str()}
	}
	return nil
}

func (r *rooms) OnConnect(c azu.Conn) error {
	var buf [64]byte
	room, err := r.room(buf[:0], c)
	if err != nil {
		return err
	}
	return c.Join(azu.Room(room))
}

func (r *rooms) OnMessage(c azu.Conn, m azu.Message) error {
	var buf [64]byte
	room, err := r.room(buf[:0], c)
	if err != nil {
		return err
	}
	return azu.Room(room).Broadcast(m)
}

// room appends the room of c to dst. The host keeps the parameters of a connection, so they can be read
// in every instance and version of the plugin.
func (r *rooms) room(dst []byte, c azu.Conn) ([]byte, error) {
	for i, name := range r.params {
		room, err := c.AppendParam(dst, name)
		if err == azu.ErrNotFound {
			continue
		}
		r.params = r.params[i : i+1]
		return room, err
	}
	return nil, errNoParam
}

func init() { azu.Register(&rooms{}) }

func main() {}
