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
)

// TestRecoveryWithoutItsOwn: what a client has sent to the others, before it was cut off and
// after it came back, is not given to it when it asks for what it missed.
func TestRecoveryWithoutItsOwn(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		_, url := serve(t, host.Options{Node: "n0", Routes: []host.Route{historyRoute()}})
		testWithoutItsOwn(t, url)
	})
	t.Run("cluster", func(t *testing.T) {
		nodes := startCluster(t, 1, host.Options{Broker: host.Broker{URL: redistest.Start(t).URL()}, Routes: []host.Route{historyRoute()}})
		testWithoutItsOwn(t, nodes[0].url)
	})
}

func testWithoutItsOwn(t *testing.T, url string) {
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
	send(t, c, "others: 3") // it was queued: it goes out before the question
	wantControl(t, c, "position")
	request(t, c, `{"type":"recover","id":1,"room":"42","epoch":%q,"offset":%d,"conn":%q}`, joined.Epoch, joined.Offset, hello.Conn)
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

// TestDropOldestKeepsTheProtocol: what a slow client of azuhost.v1 loses are messages with their
// positions, and never one of both or an answer.
func TestDropOldestKeepsTheProtocol(t *testing.T) {
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
			p := host.Publication{Route: "/rooms/:room", All: true, Kind: abi.Text, Data: []byte("all " + strings.Repeat("x", 400+n*37%1000))}
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
	fill := func(frames float64) (d host.Delivery) { // until so many more were dropped
		for until := dropped() + frames; dropped() < until; {
			for range 300 {
				d = publish()
			}
		}
		return d
	}
	d := fill(1)
	if err := c.WriteText("\x1e" + fmt.Sprintf(`{"type":"recover","id":7,"room":"42","epoch":%q,"offset":%d}`, d.Epoch, d.Offset-20)); err != nil {
		t.Fatal(err)
	}
	wantMetric(t, h, `azuhost_recoveries_total{result="recovered",route="/rooms/:room"}`, 1)
	fill(1000) // many times what the queue has
	if _, err := h.Publish(t.Context(), host.Publication{Route: "/rooms/:room", All: true, Kind: abi.Text, Data: []byte("end")}); err != nil {
		t.Fatal(err)
	}
	wantWholeProtocol(t, c, d.Offset-20, 20)
}

// wantWholeProtocol reads up to the message "end". An answer with a number of messages after an
// offset has to be there, and a position before each message of the room and no other.
func wantWholeProtocol(t *testing.T, c *wstest.Conn, after uint64, missed int) {
	var place *control
	answers, got := 0, 0
	for {
		b, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if b[0] != 0x1e {
			if room := strings.HasPrefix(string(b), "room"); room != (place != nil) {
				t.Fatalf("%.20q behind %+v", b, place)
			}
			if place = nil; string(b) == "end" {
				break
			}
			continue
		}
		var m control
		if err := json.Unmarshal(b[1:], &m); err != nil || place != nil {
			t.Fatalf("%q behind %+v (%v)", b, place, err)
		}
		switch {
		case m.Type == "recovered":
			if answers++; !m.Recovered || m.Count < missed {
				t.Errorf("%+v", m)
			}
			missed = m.Count
		case m.Type == "position":
			if place = &m; m.Missed {
				if got++; m.Offset != after+uint64(got) {
					t.Errorf("offset %d is number %d after %d", m.Offset, got, after)
				}
			}
		}
	}
	if answers != 1 || got != missed {
		t.Errorf("%d answers, %d missed messages of %d", answers, got, missed)
	}
}

// TestManyRecoveriesAtOnce: a client that asks for all its rooms at once is not cut off for what
// that is together. It gets some, and the others when it has read those.
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
		d, err := h.Publish(t.Context(), host.Publication{Route: "/c", Room: fmt.Sprint(i % rooms), Kind: abi.Text, Data: []byte(strings.Repeat("x", 4500))})
		if err != nil {
			t.Fatal(err)
		}
		epochs[i%rooms] = d.Epoch
	}
	c := wstest.Dial(t, url, "/c", "Sec-WebSocket-Protocol: azuhost.v1")
	ask := func(room int) {
		if err := c.WriteText("\x1e" + fmt.Sprintf(`{"type":"recover","id":%d,"room":"%d","epoch":%q,"offset":0}`, room, room, epochs[room])); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rooms {
		ask(i)
	}
	var refused float64
	eventually(t, "all is answered", func() bool {
		refused = max(0, metric(t, h, `azuhost_control_messages_total{route="/c",type="error"}`))
		return refused+metric(t, h, `azuhost_recoveries_total{result="recovered",route="/c"}`) == rooms
	})
	if refused == 0 {
		t.Error("all at once was not too much: the test shows nothing")
	}
	for answers, messages := 0, 0; answers < rooms || messages < rooms*each; {
		b, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("behind %d answers and %d messages: %v", answers, messages, err)
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
