// Package playground serves a page to try channels with: it connects to them, chats, and shows the raw frames. It is
// for development.
package playground

import (
	"embed"
	"encoding/json"
	"net/http"
	"strings"
)

//go:embed index.html app.js chat.js log.js frames.js style.css icon.svg
var files embed.FS

// policy is the Content-Security-Policy of the page: it may load its own files and connect to its own host only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// contentTypes are the types of the embedded files. Package mime would depend on tables of the operating system.
var contentTypes = map[string]string{
	"index.html": "text/html; charset=utf-8",
	"app.js":     "text/javascript; charset=utf-8",
	"chat.js":    "text/javascript; charset=utf-8",
	"log.js":     "text/javascript; charset=utf-8",
	"frames.js":  "text/javascript; charset=utf-8",
	"style.css":  "text/css; charset=utf-8",
	"icon.svg":   "image/svg+xml",
}

// prefix begins the paths of all files but the page itself, which is at /.
const prefix = "/playground/"

// Has reports whether path belongs to the playground.
func Has(path string) bool { return path == "/" || strings.HasPrefix(path, prefix) }

// Handler serves the page at / and its files under /playground/. routes returns the channels to choose from, for JSON.
// events, if it is not nil, sends the log as server-sent events, which the page shows.
func Handler(routes func() any, events http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { serveFile(w, "index.html") })
	for name := range contentTypes {
		if name != "index.html" {
			mux.HandleFunc("GET "+prefix+name, func(w http.ResponseWriter, _ *http.Request) { serveFile(w, name) })
		}
	}
	mux.HandleFunc("GET "+prefix+"channels.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if events != nil {
			w.Header().Set("Azuhost-Events", "yes") // tells the page to request them
		}
		json.NewEncoder(w).Encode(routes())
	})
	if events != nil {
		mux.Handle("GET "+prefix+"events", events)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}

// serveFile serves an embedded file.
func serveFile(w http.ResponseWriter, name string) {
	data, err := files.ReadFile(name)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", contentTypes[name])
	w.Write(data)
}
