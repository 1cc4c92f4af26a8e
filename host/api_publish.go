package host

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
)

// maxBatch bounds the publications of one batch.
const maxBatch = 1000

// apiPublication is a Publication as the API has it.
type apiPublication struct {
	Route  given[string]          `json:"route"`
	Room   given[string]          `json:"room"`
	Users  given[[]string]        `json:"users"`
	All    given[bool]            `json:"all"`
	Text   given[string]          `json:"text"`
	Binary given[string]          `json:"binary"` // base64
	JSON   given[json.RawMessage] `json:"json"`   // any value, sent as text
	Key    given[string]          `json:"key"`
}

// publication checks what only the API can have wrong.
func (p apiPublication) publication() (Publication, error) {
	out := Publication{Route: p.Route.v, Room: p.Room.v, Users: p.Users.v, All: p.All.v, Key: p.Key.v, Kind: abi.Text}
	payloads := 0
	for _, set := range []bool{p.Text.set, p.Binary.set, p.JSON.set} {
		if set {
			payloads++
		}
	}
	switch {
	case payloads != 1:
		return out, badRequest("the message is in text, in binary (base64) or in json: set exactly one of them")
	case p.Users.set && len(p.Users.v) == 0:
		return out, badRequest("users: there is none")
	case p.Key.set && p.Key.v == "":
		return out, badRequest("key: an empty one is none, leave it out")
	case p.Room.set && p.Room.v == "":
		return out, badRequest("room: an empty name is none")
	case p.Route.set && p.Route.v == "":
		return out, badRequest("route: leave it out for every route")
	case p.All.set && !p.All.v:
		return out, badRequest("all: leave it out where the message is not for all")
	case p.Binary.set:
		data, err := base64.StdEncoding.Strict().DecodeString(p.Binary.v)
		if err != nil || strings.ContainsAny(p.Binary.v, "\r\n") {
			return out, badRequest("binary: want base64 with padding, in one line")
		}
		out.Kind, out.Data = abi.Binary, data
	case p.JSON.set:
		var b bytes.Buffer
		if err := json.Compact(&b, p.JSON.v); err != nil {
			return out, badRequest("json: %v", err)
		}
		out.Data = b.Bytes()
	default:
		out.Data = []byte(p.Text.v)
	}
	return out, nil
}

func (a *api) publish(ctx context.Context, r *http.Request) (any, error) {
	body, err := decode[apiPublication](r)
	if err != nil {
		return nil, err
	}
	if keys := r.Header.Values(headerKey); len(keys) > 0 {
		if len(keys) > 1 || keys[0] == "" || body.Key.set && body.Key.v != keys[0] {
			return nil, badRequest("one key: in the header %s, or in the body as key", headerKey)
		}
		body.Key = given[string]{true, keys[0]}
	}
	d, err := a.publishOne(ctx, body)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// publishOne publishes. The error is a *problem.
func (a *api) publishOne(ctx context.Context, body apiPublication) (Delivery, error) {
	p, err := body.publication()
	if err != nil {
		return Delivery{}, err
	}
	d, err := a.host.Publish(ctx, p)
	if err == nil {
		return d, nil
	}
	problem := problemOf(err)
	if told := []string{codeHookFailed, codeInternal, codeKeySpent}; slices.Contains(told, problem.Code) && !d.Duplicate {
		a.host.log.Warn("publication failed", "route", p.Route, "err", shortened(err.Error()))
	}
	if d.Sockets > 0 {
		problem.Delivery = &d
	}
	return d, problem
}

// maxLogged bounds what the log is told of a publication that failed, in bytes: the
// errors of a plugin carry its stack, and what it says itself.
const maxLogged = 4096

// shortened is the beginning of a text that is too long to be logged.
func shortened(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:maxLogged], ""), len(text))
}

type apiBatch struct {
	Publications given[[]json.RawMessage] `json:"publications"` // each an apiPublication
}

type batchResults struct {
	Results []batchResult `json:"results"` // in the order of the publications
}

// batchResult is what became of one publication: one of the two.
type batchResult struct {
	Delivery *Delivery `json:"delivery,omitempty"`
	Error    *problem  `json:"error,omitempty"`
}

// batch publishes one after the other. What is wrong with one does not keep
// the others.
func (a *api) batch(ctx context.Context, r *http.Request) (any, error) {
	body, err := decode[apiBatch](r)
	if err != nil {
		return nil, err
	}
	n := len(body.Publications.v)
	switch {
	case n == 0:
		return nil, badRequest("publications: there is none")
	case n > maxBatch:
		return nil, newProblem(http.StatusRequestEntityTooLarge, codeTooLarge, "a batch has 1000 publications at most")
	}
	results := make([]batchResult, n)
	for i, b := range body.Publications.v {
		var p apiPublication
		if err := decodeObject(b, &p); err != nil {
			results[i].Error = badRequest("the publication: %v", err)
		} else if d, err := a.publishOne(ctx, p); err != nil {
			results[i].Error = problemOf(err)
		} else {
			results[i].Delivery = &d
		}
	}
	return batchResults{results}, nil
}

// apiDisconnection is a Disconnection as the API has it.
type apiDisconnection struct {
	Route  given[string] `json:"route"`
	Conn   given[string] `json:"conn"`
	User   given[string] `json:"user"`
	Code   given[whole]  `json:"code"`
	Reason given[string] `json:"reason"`
}

func (a *api) disconnect(ctx context.Context, r *http.Request) (any, error) {
	body, err := decode[apiDisconnection](r)
	switch {
	case err != nil:
		return nil, err
	case body.Route.set && body.Route.v == "":
		return nil, badRequest("route: leave it out for every route")
	case body.Conn.set == body.User.set:
		return nil, badRequest("set either conn or user")
	case body.Code.set && body.Code.v == 0:
		return nil, badRequest("code 0: leave it out for 1008")
	}
	return a.host.Disconnect(ctx, Disconnection{Route: body.Route.v, Conn: body.Conn.v, User: body.User.v, Code: int(body.Code.v), Reason: body.Reason.v})
}
