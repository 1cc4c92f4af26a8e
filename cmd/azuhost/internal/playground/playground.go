// Package playground serves a page to try channels with: connect to any of
// them, chat, and watch the raw frames. It is for development.
package playground

import (
	"embed"
	"encoding/json"
	"net/http"
)

//go:embed index.html app.js chat.js log.js frames.js style.css icon.svg
var files embed.FS

// policy lets the page load its own files and connect to its own host, and
// nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// types of the embedded files. They do not depend on the machine's tables.
var types = map[string]string{
	"index.html": "text/html; charset=utf-8",
	"app.js":     "text/javascript; charset=utf-8",
	"chat.js":    "text/javascript; charset=utf-8",
	"log.js":     "text/javascript; charset=utf-8",
	"frames.js":  "text/javascript; charset=utf-8",
	"style.css":  "text/css; charset=utf-8",
	"icon.svg":   "image/svg+xml",
}

// prefix is the folder of everything but the page itself, which is at /.
const prefix = "/playground/"

// Has says whether path belongs to the playground.
func Has(path string) bool {
	return path == "/" || (len(path) >= len(prefix) && path[:len(prefix)] == prefix)
}

// Handler serves the page at / and its files under /playground/. routes
// returns the channels that can be picked, as a value that JSON can encode.
// events, where it is not nil, sends lines of the log and of builds as
// server-sent events; the page then shows them.
func Handler(routes func() any, events http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { file(w, "index.html") })
	for name := range types {
		if name != "index.html" {
			mux.HandleFunc("GET "+prefix+name, func(w http.ResponseWriter, _ *http.Request) { file(w, name) })
		}
	}
	mux.HandleFunc("GET "+prefix+"channels.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if events != nil {
			w.Header().Set("Azuhost-Events", "yes") // that the page may ask for them
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

func file(w http.ResponseWriter, name string) {
	data, err := files.ReadFile(name)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", types[name])
	w.Write(data)
}
