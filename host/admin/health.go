package admin

import (
	"fmt"
	"net/http"
	"strings"
)

// livez answers 200 while the process runs.
func livez(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// readyz answers 200, followed by the notes of Host.Ready, or 503 with its error.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	notes, err := s.host.Ready()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, strings.Join(append([]string{"ok"}, notes...), "\n"))
}
