package host_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/redistest"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/coder/websocket"
)

// TestRecovery checks positions, and recoveries from several offsets and epochs.
func TestRecovery(t *testing.T) {
	_, url := serve(t, host.Options{Node: "one", Routes: []host.Route{historyRoute()}})
	url += "/rooms/42"
	plain := dial(t, url)
	c, hello := dialV1(t, url)
	if hello.Conn != "one.2" {
		t.Errorf("connection id %q", hello.Conn)
	}
	joined := wantControl(t, c, "joined")
	if joined.Room != "42" || joined.Offset != 0 || joined.Epoch == "" {
		t.Fatalf("joined: %+v", joined)
	}
	do(t, plain, "one", "one")
	if p := wantControl(t, c, "position"); p.Offset != 1 || p.Room != "42" {
		t.Errorf("position %+v", p)
	}
	want(t, c, "one")
	send(t, c, "others: two") // the sender does not receive it, but its position
	want(t, plain, "others: two")
	if p := wantControl(t, c, "position"); p.Offset != 2 || !p.Skip {
		t.Errorf("position %+v", p)
	}
	_ = c.Close(websocket.StatusNormalClosure, "")

	do(t, plain, "three", "three")
	do(t, plain, "\x1efour", "\x1efour")
	back, _ := dialV1(t, url)
	if j := wantControl(t, back, "joined"); j.Offset != 4 || j.Epoch != joined.Epoch {
		t.Errorf("joined: %+v", j)
	}
	ask := func(epoch string, offset int, count int, ok bool, messages ...string) {
		t.Helper()
		request(t, back, `{"type":"recover","id":7,"room":"42","epoch":%q,"offset":%d,"conn":%q}`,
			epoch, offset, hello.Conn)
		r := wantControl(t, back, "recovered")
		if r.ID != 7 || r.Recovered != ok || r.Count != count || r.Offset != 4 || r.Epoch != joined.Epoch {
			t.Errorf("recovered: %+v", r)
		}
		for i, m := range messages {
			p := wantControl(t, back, "position")
			if p.Offset != uint64(offset+1+i) {
				t.Errorf("position %+v at %d", p, i)
			}
			if !p.Skip {
				want(t, back, m)
			}
		}
	}
	ask(joined.Epoch, 2, 2, true, "three", "\x1e\x1efour")
	ask(joined.Epoch, 1, 3, true, "(its own)", "three", "\x1e\x1efour")
	ask(joined.Epoch, 4, 0, true)
	ask(joined.Epoch, 9, 0, false)
	ask("another", 2, 0, false)
	do(t, plain, "five", "five")
	wantControl(t, back, "position")
	want(t, back, "five")
	request(t, back, `{"type":"recover","room":"42","epoch":%q,"offset":0}`, joined.Epoch)
	if r := wantControl(t, back, "recovered"); r.Recovered || r.Count != 0 {
		t.Errorf("recovered from before the history: %+v", r)
	}
}

// TestHistoryOutlivesMembers checks that a history keeps messages that are published to an empty room.
func TestHistoryOutlivesMembers(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(t, url+"/rooms/a")
	joined := wantControl(t, c, "joined")
	_ = c.Close(websocket.StatusNormalClosure, "")
	wantMetric(t, h, `azuhost_connections{route="/rooms/:room"}`, 0)
	p := host.Publication{Route: "/rooms/:room", Room: "a", Kind: abi.Binary, Data: []byte{1, 0x1e}}
	if _, err := h.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	c, _ = dialV1(t, url+"/rooms/a")
	wantControl(t, c, "joined")
	request(t, c, `{"type":"recover","room":"a","epoch":%q,"offset":0}`, joined.Epoch)
	if r := wantControl(t, c, "recovered"); !r.Recovered || r.Count != 1 {
		t.Fatalf("%+v", r)
	}
	wantControl(t, c, "position")
	kind, b, err := c.Read(testContext(t))
	if err != nil || kind != websocket.MessageBinary || string(b) != "\x01\x1e" {
		t.Errorf("%v %q %v", kind, b, err)
	}
	wantMetric(t, h, `azuhost_recoveries_total{result="recovered",route="/rooms/:room"}`, 1)
}

// TestRecoverySkipsOwnMessages checks that a recovery contains the positions of the messages that the client has sent
// to others, before and after the reconnect, but not the messages.
func TestRecoverySkipsOwnMessages(t *testing.T) {
	t.Run("one node", func(t *testing.T) {
		_, url := serve(t, host.Options{Node: "n0", Routes: []host.Route{historyRoute()}})
		testRecoverySkipsOwnMessages(t, url)
	})
	t.Run("cluster", func(t *testing.T) {
		nodes := startCluster(t, 1, host.Options{
			Broker: host.Broker{URL: redistest.Start(t).URL()}, Routes: []host.Route{historyRoute()},
		})
		testRecoverySkipsOwnMessages(t, nodes[0].url)
	})
}

func testRecoverySkipsOwnMessages(t *testing.T, url string) {
	url += "/rooms/42"
	c, hello := dialV1(t, url)
	joined := wantControl(t, c, "joined")
	other := dial(t, url)
	send(t, c, "others: 1")
	wantControl(t, c, "position")
	want(t, other, "others: 1")
	_ = c.CloseNow()
	do(t, other, "2", "2")
	c, _ = dialV1(t, url)
	wantControl(t, c, "joined")
	send(t, c, "others: 3") // a client that reconnects sends what it has queued before it asks to recover
	wantControl(t, c, "position")
	request(t, c, `{"type":"recover","id":1,"room":"42","epoch":%q,"offset":%d,"conn":%q}`,
		joined.Epoch, joined.Offset, hello.Conn)
	if r := wantControl(t, c, "recovered"); !r.Recovered || r.Count != 3 {
		t.Fatalf("recovered: %+v", r)
	}
	for i := range uint64(3) {
		p := wantControl(t, c, "position")
		if own := i != 1; p.Offset != joined.Offset+1+i || p.Skip != own {
			t.Fatalf("position %+v", p)
		}
		if !p.Skip {
			want(t, c, "2")
		}
	}
}

// TestDropOldestKeepsProtocol checks that a slow client of azuhost.v1 loses messages together with their positions, and
// neither answers nor recovered messages.
func TestDropOldestKeepsProtocol(t *testing.T) {
	r := historyRoute()
	r.History.Size, r.SlowReader, r.Limits.MaxQueue = 1000, host.SlowDropOldest, 64<<10
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
	c := wstest.Dial(t, url, "/rooms/42", "Sec-WebSocket-Protocol: azuhost.v1")
	wantMetric(t, h, `azuhost_connections{route="/rooms/:room"}`, 1)
	dropped := func() float64 { return metric(t, h, `azuhost_dropped_frames_total{reason="drop_oldest"}`) }
	n := 0
	publish := func() (d host.Delivery) {
		for range 3 {
			n++
			p := host.Publication{
				Route: "/rooms/:room", All: true, Kind: abi.Text,
				Data: []byte("all " + strings.Repeat("x", 400+n*37%1000)),
			}
			if n%3 > 0 {
				p.All, p.Room, p.Data = false, "42", append([]byte("room "), p.Data...)
			}
			got, err := h.Publish(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if p.Room != "" {
				d = got
			}
		}
		return d
	}
	// fill publishes until a number of frames were dropped.
	fill := func(frames float64) (d host.Delivery) {
		for until := dropped() + frames; dropped() < until; {
			for range 300 {
				d = publish()
			}
		}
		return d
	}
	d := fill(1)
	text := fmt.Sprintf(`{"type":"recover","id":7,"room":"42","epoch":%q,"offset":%d}`, d.Epoch, d.Offset-20)
	if err := c.WriteText("\x1e" + text); err != nil {
		t.Fatal(err)
	}
	wantMetric(t, h, `azuhost_recoveries_total{result="recovered",route="/rooms/:room"}`, 1)
	fill(1000) // many times the length of the queue
	end := host.Publication{Route: "/rooms/:room", All: true, Kind: abi.Text, Data: []byte("end")}
	if _, err := h.Publish(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	wantCompleteProtocol(t, c, d.Offset-20, 20)
}

// wantCompleteProtocol reads up to the message "end". It expects an answer with the number of messages that were missed
// after an offset, those messages in order, and a position before each message of the room and before no other message.
func wantCompleteProtocol(t *testing.T, c *wstest.Conn, after uint64, missed int) {
	var position *control
	answers, got := 0, 0
	for {
		b, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if b[0] != 0x1e {
			if room := strings.HasPrefix(string(b), "room"); room != (position != nil) {
				t.Fatalf("%.20q after the position %+v", b, position)
			}
			if position = nil; string(b) == "end" {
				break
			}
			continue
		}
		var m control
		if err := json.Unmarshal(b[1:], &m); err != nil || position != nil {
			t.Fatalf("%q after the position %+v (%v)", b, position, err)
		}
		switch {
		case m.Type == "recovered":
			if answers++; !m.Recovered || m.Count < missed {
				t.Errorf("%+v", m)
			}
			missed = m.Count
		case m.Type == "position":
			if position = &m; m.Missed {
				if got++; m.Offset != after+uint64(got) {
					t.Errorf("offset %d of missed message %d, after offset %d", m.Offset, got, after)
				}
			}
		}
	}
	if answers != 1 || got != missed {
		t.Errorf("%d answers, %d of %d missed messages", answers, got, missed)
	}
}

// TestManyRecoveriesAtOnce checks that a client that asks to recover all its rooms at once is not closed. Recoveries
// that do not fit into the queue are refused with UNAVAILABLE, and succeed when the client asks again.
func TestManyRecoveriesAtOnce(t *testing.T) {
	const rooms, each = 24, 100
	r := historyRoute()
	r.Path, r.History.Size = "/c", each
	r.Channel = &host.Funcs{OnConnect: func(env host.Env, id host.ConnID) error {
		for i := range rooms {
			if err := env.Join(id, fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	}}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
	var epochs [rooms]string
	for i := range rooms * each {
		p := host.Publication{Route: "/c", Room: fmt.Sprint(i % rooms), Kind: abi.Text}
		p.Data = []byte(strings.Repeat("x", 4500))
		d, err := h.Publish(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		epochs[i%rooms] = d.Epoch
	}
	c := wstest.Dial(t, url, "/c", "Sec-WebSocket-Protocol: azuhost.v1")
	ask := func(room int) {
		text := fmt.Sprintf(`{"type":"recover","id":%d,"room":"%d","epoch":%q,"offset":0}`, room, room, epochs[room])
		if err := c.WriteText("\x1e" + text); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rooms {
		ask(i)
	}
	var refused float64
	eventually(t, "all requests are answered", func() bool {
		refused = max(0, metric(t, h, `azuhost_control_messages_total{route="/c",type="error"}`))
		return refused+metric(t, h, `azuhost_recoveries_total{result="recovered",route="/c"}`) == rooms
	})
	if refused == 0 {
		t.Error("no recovery was refused: the test needs more rooms")
	}
	for answers, messages := 0, 0; answers < rooms || messages < rooms*each; {
		b, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("after %d answers and %d messages: %v", answers, messages, err)
		}
		if b[0] != 0x1e {
			messages++
			continue
		}
		var m control
		if err := json.Unmarshal(b[1:], &m); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Type == "error" && m.Code == "UNAVAILABLE":
			ask(int(m.ID))
		case m.Type == "recovered" && m.Recovered && m.Count == each:
			answers++
		case m.Type == "recovered", m.Type == "error":
			t.Fatalf("%s", b)
		}
	}
}
