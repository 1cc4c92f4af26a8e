package main

import (
	"io"
	"net/http"
	"time"
)

// bodiesWithin gives each request limit for its body. What has not come by then
// comes no more, and the connection ends with the answer: net/http has no bound
// of its own for a body that nobody reads, and waits for it before it answers.
//
// Server.ReadTimeout is no such bound: it goes on when the body has been read,
// and ends the context of a handler that takes longer, as a profile does.
func bodiesWithin(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		conn := http.NewResponseController(w)
		if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
			http.Error(w, "a body can not be read here", http.StatusInternalServerError)
			return
		}
		// A copy: the server looks at the body of its own request, to know how
		// much of it is left.
		r = r.WithContext(r.Context())
		r.Body = &body{r.Body, conn}
		next.ServeHTTP(w, r)
	})
}

// body takes the deadline off when it has come to its end.
type body struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{}) // it could be set
	}
	return n, err
}
