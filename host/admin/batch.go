package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/azuhost/azuhost/host"
)

// maxBatch bounds the publications of one batch.
const maxBatch = 1000

type batch struct {
	Publications optional[[]json.RawMessage] `json:"publications"` // each is a publication
}

type batchResults struct {
	Results []batchResult `json:"results"` // in the order of the publications
}

// batchResult is the result of one publication. Exactly one of its fields is set.
type batchResult struct {
	Delivery *host.Delivery `json:"delivery,omitempty"`
	Error    *problem       `json:"error,omitempty"`
}

// batch publishes the publications in their order. An error in one, even in its JSON, does not stop the others.
func (s *Server) batch(ctx context.Context, r *http.Request) (any, error) {
	body, err := decode[batch](r)
	if err != nil {
		return nil, err
	}
	n := len(body.Publications.value)
	switch {
	case n == 0:
		return nil, badRequest("publications is empty: send at least one")
	case n > maxBatch:
		return nil, newProblem(http.StatusRequestEntityTooLarge, codeTooLarge,
			fmt.Sprintf("a batch has at most %d publications", maxBatch))
	}
	results := make([]batchResult, n)
	for i, b := range body.Publications.value {
		var p publication
		if err := decodeObject(b, &p); err != nil {
			results[i].Error = badRequest("publication: %v", err)
		} else if d, err := s.publishOne(ctx, p); err != nil {
			results[i].Error = problemOf(err)
		} else {
			results[i].Delivery = &d
		}
	}
	return batchResults{results}, nil
}
