package admin_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
)

// A program that embeds a host serves its HTTP API beside it, on a listener of its own.
func Example() {
	log := slog.New(slog.DiscardHandler)
	h, err := host.New(host.Options{Log: log, Routes: []host.Route{{Path: "/chat", Channel: &host.Funcs{}}}})
	if err != nil {
		panic(err)
	}
	a, err := admin.New(h, admin.Options{Log: log, Token: "secret"})
	if err != nil {
		panic(err)
	}
	defer a.Close()
	internal := httptest.NewServer(a) // http.ListenAndServe("127.0.0.1:4001", a) in a program
	defer internal.Close()

	body := `{"route": "/chat", "room": "general", "text": "hello"}`
	r, err := http.NewRequest("POST", internal.URL+"/api/v1/publish", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	fmt.Print(res.Status, " ", string(answer))
	if err != nil {
		panic(err)
	}
	if err := h.Close(r.Context()); err != nil {
		panic(err)
	}
	// Output: 200 OK {"sockets":0,"nodes":0}
}
