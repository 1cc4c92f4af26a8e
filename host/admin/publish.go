package admin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// publication is the JSON form of a host.Publication.
type publication struct {
	Route  optional[string]          `json:"route"`
	Room   optional[string]          `json:"room"`
	Users  optional[[]string]        `json:"users"`
	All    optional[bool]            `json:"all"`
	Text   optional[string]          `json:"text"`
	Binary optional[string]          `json:"binary"` // base64
	JSON   optional[json.RawMessage] `json:"json"`   // any value, sent as text
	Key    optional[string]          `json:"key"`
}

// toHost returns the host.Publication. It checks only what the JSON form can get wrong, and leaves the rest to
// Host.Publish.
func (p publication) toHost() (host.Publication, error) {
	out := host.Publication{
		Route: p.Route.value, Room: p.Room.value, Users: p.Users.value, All: p.All.value, Key: p.Key.value, Kind: abi.Text,
	}
	payloads := 0
	for _, set := range []bool{p.Text.set, p.Binary.set, p.JSON.set} {
		if set {
			payloads++
		}
	}
	switch {
	case payloads != 1:
		return out, badRequest("the message is in text, binary (base64) or json: set exactly one of them")
	case p.Users.set && len(p.Users.value) == 0:
		return out, badRequest("users is empty: name at least one")
	case p.Key.set && p.Key.value == "":
		return out, badRequest("key is empty: leave it out")
	case p.Room.set && p.Room.value == "":
		return out, badRequest("room is empty: name a room, or leave it out")
	case p.Route.set && p.Route.value == "":
		return out, badRequest("route is empty: leave it out for every route")
	case p.All.set && !p.All.value:
		return out, badRequest("all is false: leave it out if the message is not for all")
	case p.Binary.set:
		data, err := base64.StdEncoding.Strict().DecodeString(p.Binary.value)
		if err != nil || strings.ContainsAny(p.Binary.value, "\r\n") {
			return out, badRequest("binary: want base64 with padding, in one line")
		}
		out.Kind, out.Data = abi.Binary, data
	case p.JSON.set:
		var b bytes.Buffer
		if err := json.Compact(&b, p.JSON.value); err != nil {
			return out, badRequest("json: %v", err)
		}
		out.Data = b.Bytes()
	default:
		out.Data = []byte(p.Text.value)
	}
	return out, nil
}

func (s *Server) publish(ctx context.Context, r *http.Request) (any, error) {
	body, err := decode[publication](r)
	if err != nil {
		return nil, err
	}
	if keys := r.Header.Values(keyHeader); len(keys) > 0 {
		if len(keys) > 1 || keys[0] == "" || body.Key.set && body.Key.value != keys[0] {
			return nil, badRequest("want one key, in the header %s or in the body as key", keyHeader)
		}
		body.Key = optional[string]{set: true, value: keys[0]}
	}
	d, err := s.publishOne(ctx, body)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// publishOne publishes p. Its error is a *problem, which has the Delivery if a part of the publication was sent. It
// logs the failures of the host, once for each key. The host logs those of its plugins itself.
func (s *Server) publishOne(ctx context.Context, body publication) (host.Delivery, error) {
	p, err := body.toHost()
	if err != nil {
		return host.Delivery{}, err
	}
	d, err := s.host.Publish(ctx, p)
	if err == nil {
		return d, nil
	}
	problem := problemOf(err)
	internal := problem.Code == codeInternal || problem.Code == codeKeySpent && !errors.Is(err, host.ErrHookFailed)
	if internal && !d.Duplicate {
		s.log.Warn("publication failed", "route", p.Route, "err", err)
	}
	if d.Sockets > 0 {
		problem.Delivery = &d
	}
	return d, problem
}
