package socket

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// CheckHandshake checks that r opens a WebSocket (RFC 6455, section 4.2.1). It
// returns status 0 if so, and otherwise the status of the answer and a reason
// for the client. An answer with status 426 needs the headers Upgrade and
// Sec-WebSocket-Version.
func CheckHandshake(r *http.Request) (status int, reason string) {
	h := r.Header
	switch {
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1:
		return http.StatusUpgradeRequired, "WebSocket needs HTTP/1.1"
	case !hasToken(h["Connection"], "upgrade") || !hasToken(h["Upgrade"], "websocket"):
		return http.StatusUpgradeRequired, "this path speaks WebSocket"
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "a WebSocket handshake is a GET"
	case h.Get("Sec-Websocket-Version") != "13":
		return http.StatusUpgradeRequired, "WebSocket version 13 is spoken here"
	}
	keys := h["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return http.StatusBadRequest, "Sec-WebSocket-Key is missing or there twice"
	}
	if b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(b) != 16 {
		return http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64"
	}
	return 0, ""
}

// Subprotocol returns the first of supported that the client offers, empty if it
// offers none of them (RFC 6455, section 4.2.2).
func Subprotocol(r *http.Request, supported []string) string {
	for _, p := range supported {
		if hasToken(r.Header["Sec-Websocket-Protocol"], p) {
			return p
		}
	}
	return ""
}

// hasToken reports whether a header with comma-separated tokens has a token, in
// any case.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
