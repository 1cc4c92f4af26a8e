package main

import (
	"io"
	"net/http"
	"time"
)

// withBodyDeadline returns a handler that calls next and bounds the time until a request's body has arrived. After that
// time, reads of the body fail, and the connection ends with the answer. net/http does not bound the time of a body
// that the handler does not read, and waits for that body before it answers.
//
// Server.ReadTimeout is not such a bound. It still runs when the body has arrived, and then cancels the context of a
// slow handler, such as that of a profile.
func withBodyDeadline(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		conn := http.NewResponseController(w)
		if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
			http.Error(w, "the body cannot be read", http.StatusInternalServerError)
			return
		}
		// The request is copied because the server inspects the body of its own request after the handler.
		r = r.WithContext(r.Context())
		r.Body = &deadlineBody{r.Body, conn}
		next.ServeHTTP(w, r)
	})
}

// deadlineBody is a body that removes the read deadline of its connection at its end.
type deadlineBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *deadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{}) // no error: the deadline could be set
	}
	return n, err
}
