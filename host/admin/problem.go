package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// problem is the body of every error answer of the API (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"` // for people
	Code   string `json:"code"`   // for programs: one of the code constants
	// Delivery is the part of a publication that was sent before it failed. nil: nothing was sent.
	Delivery *host.Delivery `json:"delivery,omitempty"`
}

// The codes of problems. openapi.json lists them.
const (
	codeInvalid      = "invalid_request"
	codeUnauthorized = "unauthorized"
	codeForbidden    = "forbidden"
	codeRefused      = "refused" // with the status that on_publish refused with
	codeUnknownRoute = "unknown_route"
	codeUnknownPath  = "unknown_path"
	codeMethod       = "method_not_allowed"
	codeNoVersion    = "no_version"
	codeTooLarge     = "too_large"
	codeMediaType    = "unsupported_media_type"
	codeKeyReused    = "key_reused"
	codeKeySpent     = "key_spent" // with the status of the failure
	codeNotLoaded    = "not_loaded"
	codeHookFailed   = "hook_failed"
	codeInternal     = "internal"
	codeUnavailable  = "unavailable"
)

// Error implements error, so that an operation can return a problem.
func (p *problem) Error() string { return p.Detail }

func newProblem(status int, code, detail string) *problem {
	title := http.StatusText(status)
	if title == "" {
		title = "Refused"
	}
	return &problem{Type: "about:blank", Title: title, Status: status, Detail: detail, Code: code}
}

// badRequest returns the problem of a request that is not valid.
func badRequest(format string, a ...any) *problem {
	return newProblem(http.StatusBadRequest, codeInvalid, fmt.Sprintf(format, a...))
}

// problemOf returns the problem for an error of an operation. The detail of a failure of the host or of a plugin does
// not contain the text of the error.
func problemOf(err error) *problem {
	var (
		p        *problem
		spent    *host.KeySpentError
		refused  *host.RefusedError
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &spent):
		p = problemOf(spent.Err)
		return newProblem(p.Status, codeKeySpent, host.ErrKeySpent.Error()+": "+p.Detail)
	case errors.As(err, &refused):
		return newProblem(refused.Status, codeRefused, err.Error())
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, codeTooLarge,
			fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit))
	case errors.Is(err, host.ErrUnknownRoute):
		return newProblem(http.StatusNotFound, codeUnknownRoute, err.Error())
	case errors.Is(err, host.ErrNoVersion):
		return newProblem(http.StatusConflict, codeNoVersion, err.Error())
	case errors.Is(err, host.ErrKeyReused):
		return newProblem(http.StatusUnprocessableEntity, codeKeyReused, err.Error())
	case errors.Is(err, abi.Limit):
		return newProblem(http.StatusRequestEntityTooLarge, codeTooLarge, err.Error())
	case errors.Is(err, abi.Invalid):
		return badRequest("%v", err)
	case errors.Is(err, abi.Unavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newProblem(http.StatusServiceUnavailable, codeUnavailable, err.Error())
	case errors.Is(err, host.ErrHookFailed):
		return newProblem(http.StatusInternalServerError, codeHookFailed, "on_publish failed: the host's log has the error")
	}
	return newProblem(http.StatusInternalServerError, codeInternal, "the host failed: its log has the error")
}

func writeProblem(w http.ResponseWriter, p *problem) {
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types of the answers marshal without errors
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // fails only if the client has disconnected
}
