package admin

import (
	"context"
	"net/http"

	"github.com/azuhost/azuhost/host"
)

// disconnection is the JSON form of a host.Disconnection.
type disconnection struct {
	Route  optional[string]  `json:"route"`
	Conn   optional[string]  `json:"conn"`
	User   optional[string]  `json:"user"`
	Code   optional[integer] `json:"code"`
	Reason optional[string]  `json:"reason"`
}

func (s *Server) disconnect(ctx context.Context, r *http.Request) (any, error) {
	body, err := decode[disconnection](r)
	switch {
	case err != nil:
		return nil, err
	case body.Route.set && body.Route.value == "":
		return nil, badRequest("route is empty: leave it out for every route")
	case body.Conn.set == body.User.set:
		return nil, badRequest("set either conn or user")
	case body.Code.set && body.Code.value == 0:
		return nil, badRequest("code is 0: leave it out for 1008")
	}
	return s.host.Disconnect(ctx, host.Disconnection{
		Route:  body.Route.value,
		Conn:   body.Conn.value,
		User:   body.User.value,
		Code:   int(body.Code.value),
		Reason: body.Reason.value,
	})
}
