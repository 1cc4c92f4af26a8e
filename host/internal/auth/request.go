package auth

import (
	"net/http"
	"strings"

	"github.com/azuhost/azuhost/internal/urlquery"
)

// SubprotocolPrefix begins an entry of Sec-WebSocket-Protocol that is not a subprotocol, but a token behind the prefix.
// Pages in a browser can send a token this way without having it in the URL.
const SubprotocolPrefix = "azuhost.token."

// Find returns the token of a request: from the query, Authorization: Bearer, the cookie, or Sec-WebSocket-Protocol. It
// returns "" if there is none, and an *Error if there are several that differ.
func (v *Verifier) Find(r *http.Request) (string, error) {
	token := ""
	for _, t := range v.candidates(r) {
		if t != "" && token != "" && t != token {
			return "", refused(Ambiguous, "the request has two tokens that differ")
		}
		if t != "" {
			token = t
		}
	}
	return token, nil
}

// candidates returns the tokens of a request, from all of its parts.
func (v *Verifier) candidates(r *http.Request) (list []string) {
	if v.opts.Query != "" {
		for name, value := range urlquery.All(r.URL.RawQuery) {
			if name == v.opts.Query {
				list = append(list, value)
			}
		}
	}
	for _, h := range r.Header["Authorization"] {
		if t, ok := Bearer(h); ok {
			list = append(list, t)
		}
	}
	if v.opts.Cookie != "" {
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if name, value := cookie(pair); name == v.opts.Cookie {
					list = append(list, value)
				}
			}
		}
	}
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for entry := range strings.SplitSeq(line, ",") {
			if t, ok := subprotocolToken(entry); ok {
				list = append(list, t)
			}
		}
	}
	return list
}

// Bearer returns the token of an Authorization header (RFC 6750, section 2.1). ok is false if the header has another
// scheme. The name of the scheme is case-insensitive (RFC 9110, section 11.1).
func Bearer(header string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(header), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// cookie reads a pair of a Cookie header (RFC 6265, section 4.2.1), whose value may be quoted.
func cookie(pair string) (name, value string) {
	name, value, _ = strings.Cut(strings.TrimSpace(pair), "=")
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return name, value
}

// subprotocolToken returns the token in an entry of Sec-WebSocket-Protocol.
func subprotocolToken(entry string) (string, bool) {
	return strings.CutPrefix(strings.TrimSpace(entry), SubprotocolPrefix)
}

// Strip returns a copy of r without tokens, for channels and logs. The rest stays as it is.
func (v *Verifier) Strip(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	u := *r.URL
	out.URL, out.Header = &u, r.Header.Clone()
	if v.opts.Query != "" {
		u.RawQuery = without(u.RawQuery, "&", func(part string) bool {
			name, _ := urlquery.Split(part)
			return name == v.opts.Query
		})
	}
	out.RequestURI = u.RequestURI()
	strip(out.Header, "Authorization", "", func(h string) bool { _, ok := Bearer(h); return ok })
	strip(out.Header, "Sec-Websocket-Protocol", ",", func(e string) bool { _, ok := subprotocolToken(e); return ok })
	if v.opts.Cookie != "" {
		strip(out.Header, "Cookie", ";", func(p string) bool {
			name, _ := cookie(p)
			return name == v.opts.Cookie
		})
	}
	return out
}

// strip removes the parts of a header for which drop is true. If sep is empty, each line is a part.
func strip(h http.Header, name, sep string, drop func(string) bool) {
	var lines []string
	for _, line := range h[name] {
		if sep == "" {
			if !drop(line) {
				lines = append(lines, line)
			}
		} else if line = strings.TrimSpace(without(line, sep, drop)); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		delete(h, name)
		return
	}
	h[name] = lines
}

// without returns a list without the parts for which drop is true.
func without(list, sep string, drop func(string) bool) string {
	var kept []string
	for part := range strings.SplitSeq(list, sep) {
		if !drop(part) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, sep)
}
