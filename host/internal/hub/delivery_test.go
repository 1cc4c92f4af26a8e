package hub

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

func TestOneDeliverPerFlush(t *testing.T) {
	h := New(Options{})
	m, s := add(h, nil, "r")
	_, s2 := add(h, nil, "r")
	outbox := Outbox{Hub: h}
	for i := range 10 {
		outbox.Broadcast([]byte("r"), text("%d", i), 0)
	}
	outbox.Send(m, text("own"))
	outbox.Broadcast([]byte("r"), text("last"), 0)
	if n := s.calls(); n != 0 {
		t.Errorf("%d calls before Flush, want 0", n)
	}
	outbox.Flush()
	if a, b := s.calls(), s2.calls(); a != 1 || b != 1 {
		t.Errorf("%d and %d calls, want one each", a, b)
	}
	wantTexts(t, "the member", s, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "own", "last")
	outbox.Flush()
	if n := s.calls(); n != 1 {
		t.Errorf("an empty Flush called Deliver")
	}
}

func TestEarlyFlush(t *testing.T) {
	h := New(Options{})
	_, s := add(h, nil, "r")
	outbox := Outbox{Hub: h}
	f := frame.Append(nil, abi.Binary, make([]byte, 1020)) // 1 KiB with its header
	for range flushAt/len(f) - 1 {
		outbox.Broadcast([]byte("r"), f, 0)
	}
	if n := s.calls(); n != 0 {
		t.Fatalf("%d calls below the limit, want 0", n)
	}
	outbox.Broadcast([]byte("r"), f, 0)
	if n := s.calls(); n != 1 {
		t.Errorf("%d calls at the limit, want 1", n)
	}
	outbox.Flush()
	if n := s.calls(); n != 1 {
		t.Errorf("%d calls after Flush, want 1", n)
	}
}

// While one goroutine delivers, the others collect at most flushAt, and one frame
// each above it.
func TestBatchIsBounded(t *testing.T) {
	h := New(Options{})
	_, slow := add(h, newHeldSink(), "r")
	const senders, each = 8, 100
	f := frame.Append(nil, abi.Binary, make([]byte, 1020))
	first := Outbox{Hub: h}
	first.Broadcast([]byte("r"), f, 0)
	var wg sync.WaitGroup
	wg.Go(first.Flush)
	<-slow.entered
	for range senders {
		wg.Go(func() {
			outbox := Outbox{Hub: h}
			for range each {
				outbox.Broadcast([]byte("r"), f, 0)
				outbox.Flush()
			}
		})
	}
	r := h.Room("r")
	until(func() bool { return waiters(r) == senders })
	slow.release()
	wg.Wait()
	for _, n := range slow.sizes {
		if n > flushAt+senders*len(f) {
			t.Errorf("a batch of %d bytes, want at most %d", n, flushAt+senders*len(f))
		}
	}
	if n := len(slow.got); n != (1+senders*each)*len(f) {
		t.Errorf("%d bytes arrived, want %d", n, (1+senders*each)*len(f))
	}
}

// The same bound holds for messages to single members behind a busy room.
func TestSendsBehindAreBounded(t *testing.T) {
	h := New(Options{})
	_, slow := add(h, newHeldSink(), "r")
	m, s := add(h, nil, "r")
	first := Outbox{Hub: h}
	first.Broadcast([]byte("r"), text("b"), 0)
	var wg sync.WaitGroup
	wg.Go(first.Flush)
	<-slow.entered
	const sends = 3 * flushAt / 1024
	sent := 0
	wg.Go(func() {
		outbox := Outbox{Hub: h}
		for ; sent < sends; sent++ {
			outbox.Send(m, frame.Append(nil, abi.Binary, make([]byte, 1020)))
		}
		outbox.Flush()
	})
	r := h.Room("r")
	until(func() bool { return waiters(r) == 1 })
	if sent*1024 > flushAt {
		t.Errorf("%d messages wait, want at most %d", sent, flushAt/1024)
	}
	slow.release()
	wg.Wait()
	if n := len(s.texts(t)); n != 1+sends {
		t.Errorf("%d frames arrived, want %d", n, 1+sends)
	}
}

// A goroutine that delivers for others hands over after maxRounds. The sink sends
// a tick per batch. For each tick another goroutine broadcasts and flushes again,
// until it has to wait in flush.
func TestDeliveryIsHandedOver(t *testing.T) {
	h := New(Options{})
	const limit = 50
	tick, flushed := make(chan bool), make(chan struct{})
	rounds, ticking := 0, true
	var r *Room
	add(h, sinkFunc(func([]byte) {
		if !ticking {
			return
		}
		rounds++
		if ticking = rounds < limit; !ticking {
			return
		}
		tick <- true
		for ticking {
			select {
			case <-flushed:
				return
			default:
				ticking = waiters(r) == 0
			}
		}
	}), "r")
	r = h.Room("r")
	var wg sync.WaitGroup
	wg.Go(func() {
		outbox := Outbox{Hub: h}
		for range tick {
			outbox.Broadcast([]byte("r"), text("more"), 0)
			outbox.Flush()
			select {
			case flushed <- struct{}{}:
			case <-tick: // closed
				return
			}
		}
	})
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("first"), 0)
	outbox.Flush()
	close(tick)
	wg.Wait()
	if rounds > 2*maxRounds+2 {
		t.Errorf("one goroutine delivered %d batches of others, want about %d", rounds, maxRounds)
	}
}

// A goroutine that ends a membership waits for the deliverer, and so does one that
// is to deliver next. The end of the delivery wakes both.
func TestAllWaitersWake(t *testing.T) {
	h := New(Options{})
	_, slow := add(h, newHeldSink(), "r")
	leaver, _ := add(h, nil, "r")
	r := h.Room("r")
	var all sync.WaitGroup
	r.append(text("first"), 0, frame.Position{})
	all.Go(r.flush)
	<-slow.entered
	r.append(text("%s", strings.Repeat("x", flushAt)), 0, frame.Position{})
	all.Go(func() { leaveWithoutDrain(h, leaver, "r") })
	until(func() bool { return waiters(r) == 1 })
	all.Go(r.flush)
	until(func() bool { return waiters(r) == 2 })
	slow.release()
	all.Wait()
}

// Send relies on the count of busy rooms. It must not drift.
func TestBusyRoomsAreCounted(t *testing.T) {
	h := New(Options{})
	m, s := add(h, nil, "r", "idle")
	add(h, nil, "idle")
	a, b := Outbox{Hub: h}, Outbox{Hub: h}
	h.Leave(m, "idle")
	a.Broadcast([]byte("r"), text("1"), 0)
	b.Broadcast([]byte("r"), text("2"), 0)
	a.Flush()
	b.Flush()
	if n := h.busyRooms.Load(); n != 0 {
		t.Errorf("%d busy rooms, want 0", n)
	}
	a.Broadcast([]byte("r"), text("3"), 0)
	a.Send(m, text("4"))
	a.Flush()
	wantTexts(t, "the member", s, "1", "2", "3", "4")
}

func TestLargeFrames(t *testing.T) {
	h := New(Options{})
	_, s := add(h, nil, "r")
	outbox := Outbox{Hub: h}
	big := bytes.Repeat([]byte("x"), 5*flushAt)
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Broadcast([]byte("r"), frame.Append(nil, abi.Text, big), 0)
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Flush()
	wantTexts(t, "the member", s, "1", strings.Repeat("x", len(big)), "2")
}

// A broadcast to a large room without a history does not allocate, neither one to
// all members nor one to all but one.
func TestBroadcastDoesNotAllocate(t *testing.T) {
	h := New(Options{})
	var m *Member
	for range 100 {
		m, _ = add(h, &count{}, "r")
	}
	outbox, room, f := &Outbox{Hub: h}, []byte("r"), text("hi")
	for _, except := range []uint64{0, m.ID} {
		n := testing.AllocsPerRun(100, func() {
			for range 16 {
				outbox.Broadcast(room, f, except)
			}
			outbox.Flush()
		})
		if n > 0 {
			t.Errorf("except %d: %v allocations, want 0", except, n)
		}
	}
}
