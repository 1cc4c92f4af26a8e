package host_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
)

// A program serves channels beside its own pages, and speaks to those who are
// connected.
func Example() {
	h, err := host.New(host.Options{Routes: []host.Route{
		{Path: "/rooms/:room", Plugin: "../testplugins/rooms.wasm"},
		{Path: "/greetings", Channel: &host.Funcs{
			OnConnect: func(env host.Env, conn host.ConnID) error {
				user, err := env.Query(conn, "user")
				if err != nil {
					return host.Refusal(http.StatusUnauthorized)
				}
				return env.Identify(conn, user)
			},
			OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
				return env.Send(conn, m.Kind, append([]byte("you said "), m.Data...))
			},
		}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/", http.StripPrefix("/ws", h))
	server := httptest.NewServer(mux)

	ctx := context.Background()
	url := strings.Replace(server.URL, "http", "ws", 1)
	c, _, err := websocket.Dial(ctx, url+"/ws/greetings?user=ann", nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = c.Write(ctx, websocket.MessageText, []byte("hello"))
	_, answer, _ := c.Read(ctx)
	fmt.Printf("%s\n", answer)

	// From anywhere in the program:
	d, err := h.Publish(ctx, host.Publication{Route: "/greetings", Users: []string{"ann"}, Data: []byte("your order has left")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Sockets, "connection")
	_, notice, _ := c.Read(ctx)
	fmt.Printf("%s\n", notice)

	_ = c.Close(websocket.StatusNormalClosure, "")
	_ = h.Close(ctx)
	server.Close()
	// Output:
	// you said hello
	// 1 connection
	// your order has left
}

// Check finds what is wrong before anything is served.
func ExampleCheck() {
	fmt.Println(host.Check(context.Background(), host.Options{Routes: []host.Route{
		{Path: "/a/:x", Channel: &host.Funcs{}},
		{Path: "/:y/b", Channel: &host.Funcs{}},
	}}))
	// Output: route /:y/b conflicts with route /a/:x: some paths match both, and neither is more specific
}
