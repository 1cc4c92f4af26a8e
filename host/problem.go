package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// problem is the one shape of errors of the API (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"` // for programs; the list is in openapi.json
	// Delivery is what went out all the same, of a message for several.
	Delivery *Delivery `json:"delivery,omitempty"`
}

// The codes of problems.
const (
	codeInvalid      = "invalid_request"
	codeUnauthorized = "unauthorized"
	codeForbidden    = "forbidden"
	codeRefused      = "refused" // by on_publish, with its status
	codeUnknownRoute = "unknown_route"
	codeUnknownPath  = "unknown_path"
	codeMethod       = "method_not_allowed"
	codeNoVersion    = "no_version"
	codeTooLarge     = "too_large"
	codeMediaType    = "unsupported_media_type"
	codeKeyReused    = "key_reused"
	codeKeySpent     = "key_spent" // with the status of what failed
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

// badRequest is the problem of a request that can not be understood.
func badRequest(format string, a ...any) *problem {
	return newProblem(http.StatusBadRequest, codeInvalid, fmt.Sprintf(format, a...))
}

// problemOf finds the problem that an error is.
func problemOf(err error) *problem {
	var (
		p        *problem
		spent    *spentError
		refused  *RefusedError
		tooLarge *http.MaxBytesError
		hook     *plugin.HookError
		fault    *plugin.Fault
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &spent):
		p = problemOf(spent.err)
		return newProblem(p.Status, codeKeySpent, ErrKeySpent.Error()+": "+p.Detail)
	case errors.As(err, &refused):
		return newProblem(refused.Status, codeRefused, err.Error())
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit))
	case errors.Is(err, ErrUnknownRoute):
		return newProblem(http.StatusNotFound, codeUnknownRoute, err.Error())
	case errors.Is(err, ErrNoVersion):
		return newProblem(http.StatusConflict, codeNoVersion, err.Error())
	case errors.Is(err, ErrKeyReused):
		return newProblem(http.StatusUnprocessableEntity, codeKeyReused, err.Error())
	case errors.Is(err, abi.Limit):
		return newProblem(http.StatusRequestEntityTooLarge, codeTooLarge, err.Error())
	case errors.Is(err, abi.Invalid):
		return badRequest("%v", err)
	case errors.Is(err, abi.Unavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newProblem(http.StatusServiceUnavailable, codeUnavailable, err.Error())
	case errors.As(err, &hook), errors.As(err, &fault):
		return newProblem(http.StatusInternalServerError, codeHookFailed, "on_publish failed: the log of the host says why")
	}
	return newProblem(http.StatusInternalServerError, codeInternal, "the host failed: its log says why")
}

func writeProblem(w http.ResponseWriter, p *problem) {
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // nothing that is answered with fails
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // else the client is gone
}
