package host_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

// exampleServer is a host with an HTTP server and the clients of an example.
type exampleServer struct {
	*host.Host
	http    *httptest.Server
	clients []*exampleClient
}

func newExampleServer(o host.Options) *exampleServer {
	h, err := host.New(o)
	if err != nil {
		log.Fatal(err)
	}
	return &exampleServer{Host: h, http: httptest.NewServer(h)}
}

func (s *exampleServer) end() {
	for _, c := range s.clients {
		_ = c.conn.CloseNow()
	}
	_ = s.Close(context.Background())
	s.http.Close()
}

func (s *exampleServer) dial(path string) *exampleClient {
	c := dialExample(s.http.URL + path)
	s.clients = append(s.clients, c)
	return c
}

// exampleClient is a client that ends the example on errors.
type exampleClient struct{ conn *websocket.Conn }

func dialExample(url string) *exampleClient {
	c, _, err := websocket.Dial(context.Background(), strings.Replace(url, "http", "ws", 1), nil)
	if err != nil {
		log.Fatal(err)
	}
	return &exampleClient{c}
}

func (c *exampleClient) send(text string) {
	if err := c.conn.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		log.Fatal(err)
	}
}

// receive returns the next message, or how the connection was closed.
func (c *exampleClient) receive() string {
	_, data, err := c.conn.Read(context.Background())
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return fmt.Sprintf("closed with %d", closed.Code)
	case err != nil:
		return err.Error()
	}
	return string(data)
}

// A program serves channels beside its own pages, and sends messages to the users
// who are connected.
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
	defer server.Close()
	defer h.Close(context.Background())

	ann := dialExample(server.URL + "/ws/greetings?user=ann")
	defer ann.conn.CloseNow()
	ann.send("hello")
	fmt.Println(ann.receive())

	d, err := h.Publish(context.Background(), host.Publication{
		Route: "/greetings", Users: []string{"ann"}, Data: []byte("your order has left"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Sockets, "connection")
	fmt.Println(ann.receive())
	// Output:
	// you said hello
	// 1 connection
	// your order has left
}

// A channel in Go: everyone in a room gets the messages of its members.
func ExampleFuncs() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/rooms/:room", Channel: &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			room, err := env.Param(conn, "room")
			if err != nil {
				return err
			}
			return env.Join(conn, room)
		},
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			room, err := env.Param(conn, "room")
			if err != nil {
				return err
			}
			return env.Broadcast(room, m.Kind, m.Data, conn) // not back to the sender
		},
	}}}})
	defer s.end()

	ann, bob := s.dial("/rooms/42"), s.dial("/rooms/42")
	ann.send("hello, bob")
	fmt.Println(bob.receive())
	// Output: hello, bob
}

// OnConnect refuses a connection with an HTTP status.
func ExampleRefusal() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/members", Channel: &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			if key, _ := env.Header(conn, "X-Key"); key != "secret" {
				return host.Refusal(http.StatusForbidden)
			}
			return nil
		},
	}}}})
	defer s.end()

	_, answer, err := websocket.Dial(context.Background(), s.http.URL+"/members", nil)
	fmt.Println(err != nil, answer.StatusCode)
	// Output: true 403
}

// Publish sends a message to a room from anywhere in the program.
func ExampleHost_Publish() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/news", Channel: &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error { return env.Join(conn, "sport") },
	}}}})
	defer s.end()

	ann, bob := s.dial("/news"), s.dial("/news")
	d, err := s.Publish(context.Background(), host.Publication{Route: "/news", Room: "sport", Data: []byte("1:0")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Sockets, "connections:", ann.receive(), bob.receive())
	// Output: 2 connections: 1:0 1:0
}

// Identify makes connections those of a user. Messages to the user reach all of them,
// and Disconnect ends them.
func ExampleEnv_users() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/inbox", Channel: &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			user, err := env.Query(conn, "user")
			if err != nil {
				return host.Refusal(http.StatusUnauthorized)
			}
			return env.Identify(conn, user)
		},
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			to, text, _ := strings.Cut(string(m.Data), ": ")
			return env.SendUser(to, abi.Text, []byte(text))
		},
	}}}})
	defer s.end()

	phone, desk, bob := s.dial("/inbox?user=ann"), s.dial("/inbox?user=ann"), s.dial("/inbox?user=bob")
	bob.send("ann: lunch?")
	fmt.Println(phone.receive(), desk.receive())

	if _, err := s.Disconnect(context.Background(), host.Disconnection{User: "ann", Code: 4001}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(phone.receive())
	// Output:
	// lunch? lunch?
	// closed with 4001
}

// OnPresence runs when a user joins a room with a first connection, and when the user
// leaves it. Presence lists the users in a room.
func ExampleHost_Presence() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/room", Channel: &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			user, err := env.Query(conn, "user")
			if err != nil {
				return err
			}
			return errors.Join(env.Identify(conn, user), env.Join(conn, "lobby"))
		},
		OnPresence: func(env host.Env, room, user string, join bool) error {
			if room != "lobby" || !join {
				return nil
			}
			return env.Broadcast(room, abi.Text, []byte(user+" is here"), 0)
		},
	}}}})
	defer s.end()

	ann := s.dial("/room?user=ann")
	fmt.Println(ann.receive())
	_ = s.dial("/room?user=bob")
	fmt.Println(ann.receive())

	users, err := s.Presence(context.Background(), "/room", "lobby")
	fmt.Println(users, err)
	// Output:
	// ann is here
	// bob is here
	// [ann bob] <nil>
}

// The store keeps values of a route. StoreAdd is atomic.
func ExampleEnv_store() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/counter", Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			n, err := env.StoreAdd("messages", 1, time.Hour)
			if err != nil {
				return err
			}
			return env.Send(conn, abi.Text, fmt.Appendf(nil, "message %d", n))
		},
	}}}})
	defer s.end()

	for range 3 {
		c := s.dial("/counter")
		c.send("x")
		fmt.Println(c.receive())
	}
	// Output:
	// message 1
	// message 2
	// message 3
}

// A timer of a connection ends with it. Setting it again in OnTimer repeats it.
func ExampleEnv_timers() {
	s := newExampleServer(host.Options{Routes: []host.Route{{Path: "/ticks", Channel: &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			return env.TimerSet(conn, "tick", 10*time.Millisecond)
		},
		OnTimer: func(env host.Env, conn host.ConnID, name string) error {
			return errors.Join(
				env.Send(conn, abi.Text, []byte(name)),
				env.TimerSet(conn, name, 10*time.Millisecond),
			)
		},
	}}}})
	defer s.end()

	c := s.dial("/ticks")
	fmt.Println(c.receive(), c.receive())
	// Output: tick tick
}

// Drain closes the connections and tells clients when to reconnect. Close follows.
func ExampleHost_Drain() {
	s := newExampleServer(host.Options{
		Drain:  host.DrainOptions{Spread: -1}, // all at once
		Routes: []host.Route{{Path: "/echo", Plugin: "../testplugins/echo.wasm"}},
	})
	defer s.http.Close()
	c := s.dial("/echo")
	closed := make(chan string)
	go func() { closed <- c.receive() }()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-closed)
	fmt.Println(s.Close(ctx))
	// Output:
	// closed with 1012
	// <nil>
}

// The metrics of a host are in its registry. A channel may add its own.
func ExampleOptions_metrics() {
	registry := prometheus.NewRegistry()
	s := newExampleServer(host.Options{Registry: registry, Routes: []host.Route{{Path: "/orders", Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			return errors.Join(
				env.Metric(abi.CounterAdd, "orders", "size=large", 1),
				env.Send(conn, m.Kind, m.Data),
			)
		},
	}}}})
	defer s.end()
	c := s.dial("/orders")
	c.send("pizza")
	_ = c.receive()

	families, err := registry.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "azuhost_app_orders_total" {
			fmt.Println(f.GetName(), f.Metric[0].GetCounter().GetValue())
		}
	}
	// Output: azuhost_app_orders_total 1
}

// Check reports mistakes in options before anything is served.
func ExampleCheck() {
	fmt.Println(host.Check(context.Background(), host.Options{Routes: []host.Route{
		{Path: "/a/:x", Channel: &host.Funcs{}},
		{Path: "/:y/b", Channel: &host.Funcs{}},
	}}))
	// Output: route /:y/b conflicts with route /a/:x: some paths match both, and neither is more specific
}

// Inspect returns the hooks and the host functions of a plugin without running it.
func ExampleInspect() {
	wasm, err := os.ReadFile("../testplugins/echo.wasm")
	if err != nil {
		log.Fatal(err)
	}
	info, err := host.Inspect(context.Background(), wasm)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Hooks, info.Uses[0].Name)
	// Output: [on_message] send
}
