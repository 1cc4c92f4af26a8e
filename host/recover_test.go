package host_test

import (
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/internal/redistest"
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
