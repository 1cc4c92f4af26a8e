package hub

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

func wantTexts(t *testing.T, who string, s *sink, want ...string) {
	t.Helper()
	if got := s.texts(t); !slices.Equal(got, want) {
		t.Errorf("%s got %q, want %q", who, got, want)
	}
}

func TestBroadcastExcept(t *testing.T) {
	h := New(Options{})
	a, sa := add(t, h, nil, "r")
	b, sb := add(t, h, nil, "r")
	_, sc := add(t, h, nil, "r")
	_, other := add(t, h, nil, "elsewhere")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), a.ID)
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Broadcast([]byte("r"), text("3"), b.ID)
	outbox.Broadcast([]byte("r"), text("4"), a.ID)
	outbox.Broadcast([]byte("nobody is here"), text("5"), 0)
	outbox.Flush()
	wantTexts(t, "a", sa, "2", "3")
	wantTexts(t, "b", sb, "1", "2", "4")
	wantTexts(t, "c", sc, "1", "2", "3", "4")
	outbox.BroadcastAll(text("6"), b.ID)
	outbox.Flush()
	wantTexts(t, "a", sa, "2", "3", "6")
	wantTexts(t, "b", sb, "1", "2", "4")
	wantTexts(t, "one elsewhere", other, "6")
}

func TestOneDeliverPerFlush(t *testing.T) {
	h := New(Options{})
	m, s := add(t, h, nil, "r")
	_, s2 := add(t, h, nil, "r")
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

// A message to one member calls nobody else.
func TestSendCallsOnlyItsMember(t *testing.T) {
	h := New(Options{})
	_, first := add(t, h, hold(), "r")
	m, s := add(t, h, nil, "r")
	_, bystander := add(t, h, nil, "r")
	a, b := Outbox{Hub: h}, Outbox{Hub: h}
	a.Broadcast([]byte("r"), text("all"), 0)
	done := make(chan struct{})
	go func() { defer close(done); a.Flush() }()
	<-first.entered
	b.Send(m, text("one"))
	b.Flush()
	first.release()
	<-done
	wantTexts(t, "the member", s, "all", "one")
	if n := bystander.calls(); n != 1 {
		t.Errorf("a bystander was called %d times, want once, for the broadcast", n)
	}
}

func TestEarlyFlush(t *testing.T) {
	h := New(Options{})
	_, s := add(t, h, nil, "r")
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

// While one delivers, others gather no more than flushAt and a frame each.
func TestBatchIsBounded(t *testing.T) {
	h := New(Options{})
	_, slow := add(t, h, hold(), "r")
	const turns, each = 8, 100
	f := frame.Append(nil, abi.Binary, make([]byte, 1020))
	first := Outbox{Hub: h}
	first.Broadcast([]byte("r"), f, 0)
	var wg sync.WaitGroup
	wg.Go(first.Flush)
	<-slow.entered
	for range turns {
		wg.Go(func() {
			outbox := Outbox{Hub: h}
			for range each {
				outbox.Broadcast([]byte("r"), f, 0)
				outbox.Flush()
			}
		})
	}
	r := h.Room("r")
	until(func() bool { return waiters(r) == turns })
	slow.release()
	wg.Wait()
	for _, n := range slow.sizes {
		if n > flushAt+turns*len(f) {
			t.Errorf("a batch of %d bytes, want at most %d", n, flushAt+turns*len(f))
		}
	}
	if n := len(slow.got); n != (1+turns*each)*len(f) {
		t.Errorf("%d bytes arrived, want %d", n, (1+turns*each)*len(f))
	}
}

// The same goes for messages to single members behind a busy room.
func TestSendsBehindAreBounded(t *testing.T) {
	h := New(Options{})
	_, slow := add(t, h, hold(), "r")
	m, s := add(t, h, nil, "r")
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

// Who delivers for others does not go on for ever.
func TestDeliveryIsHandedOver(t *testing.T) {
	h := New(Options{})
	const limit = 50
	tick, flushed := make(chan bool), make(chan struct{})
	rounds, dance := 0, true
	var r *Room
	add(t, h, sinkFunc(func([]byte) {
		if !dance {
			return
		}
		rounds++
		if dance = rounds < limit; !dance {
			return
		}
		tick <- true
		for dance {
			select {
			case <-flushed:
				return
			default:
				dance = waiters(r) == 0
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

type sinkFunc func(p []byte)

func (f sinkFunc) Deliver(p []byte) { f(p) }

// busyRoom has a flusher inside Deliver: what the others in the room get of it
// is still to come. done waits for the end.
func busyRoom(t *testing.T, h *Hub, room string) (first *sink, start func(), done func()) {
	_, first = add(t, h, hold(), room)
	var wg sync.WaitGroup
	start = func() {
		outbox := Outbox{Hub: h}
		outbox.Broadcast([]byte(room), text("in %s", room), 0)
		wg.Go(outbox.Flush)
		<-first.entered
	}
	return first, start, func() { first.release(); wg.Wait() }
}

func TestSendIsBehindBroadcasts(t *testing.T) {
	h := New(Options{})
	_, start, done := busyRoom(t, h, "r")
	m, s := add(t, h, nil, "r")
	start()
	outbox := Outbox{Hub: h}
	outbox.Send(m, text("1"))
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Send(m, text("3"))
	called := false
	outbox.After(m, func() { called = true; wantTexts(t, "the member, when After calls,", s, "in r", "1", "2", "3") })
	outbox.Send(m, text("4"))
	outbox.Flush()
	wantTexts(t, "the member, while another goroutine delivers,", s)
	done()
	wantTexts(t, "the member", s, "in r", "1", "2", "3", "4")
	if !called {
		t.Error("After never called")
	}
	called = false
	outbox.After(m, func() { called = true })
	if !called {
		t.Error("After waits although nothing does")
	}
	outbox.Send(m, text("5"))
	wantTexts(t, "the member, of a quiet room,", s, "in r", "1", "2", "3", "4", "5")
}

// Messages to one member keep their order whatever rooms are busy.
func TestSendsKeepTheirOrder(t *testing.T) {
	for _, slow := range []string{"a", "b"} {
		t.Run(slow, func(t *testing.T) {
			other := map[string]string{"a": "b", "b": "a"}[slow]
			h := New(Options{})
			_, start, done := busyRoom(t, h, slow)
			m, s := add(t, h, nil, "a", "c", "b")
			start()
			outbox := Outbox{Hub: h}
			outbox.Send(m, text("1"))
			outbox.Broadcast([]byte(other), text("in %s", other), 0)
			outbox.Send(m, text("2"))
			outbox.After(m, func() { s.Deliver(text("after")) })
			outbox.Broadcast([]byte("c"), text("in c"), 0)
			outbox.Send(m, text("3"))
			outbox.Flush()
			done()
			got := s.texts(t)
			at := func(x string) int { return slices.Index(got, x) }
			for _, order := range [][]string{{"in " + slow, "1", "2", "after", "3"}, {"in " + other, "2"}, {"in c", "3"}} {
				for i := range order[1:] {
					if at(order[i]) < 0 || at(order[i]) > at(order[i+1]) {
						t.Errorf("got %q, want %q in this order", got, order)
					}
				}
			}
			if len(got) != 7 {
				t.Errorf("got %d frames, want 7", len(got))
			}
		})
	}
}

// A member of many rooms has its order as well.
func TestSendBehindTheFirstOfManyRooms(t *testing.T) {
	h := New(Options{})
	_, start, done := busyRoom(t, h, "first")
	m, s := add(t, h, nil, "first")
	for i := range 30 {
		if err := h.Join(m, fmt.Sprint("room ", i)); err != nil {
			t.Fatal(err)
		}
	}
	start()
	outbox := Outbox{Hub: h}
	outbox.Send(m, text("1"))
	outbox.Flush()
	done()
	wantTexts(t, "the member", s, "in first", "1")
}

// The count of busy rooms is what Send looks at first: it must not drift.
func TestBusyRoomsAreCounted(t *testing.T) {
	h := New(Options{})
	m, s := add(t, h, nil, "r", "idle")
	add(t, h, nil, "idle")
	a, b := Outbox{Hub: h}, Outbox{Hub: h}
	h.Leave(m, "idle")
	a.Broadcast([]byte("r"), text("1"), 0)
	b.Broadcast([]byte("r"), text("2"), 0)
	a.Flush()
	b.Flush()
	if n := h.busy.Load(); n != 0 {
		t.Errorf("%d busy rooms, want 0", n)
	}
	a.Broadcast([]byte("r"), text("3"), 0)
	a.Send(m, text("4"))
	a.Flush()
	wantTexts(t, "the member", s, "1", "2", "3", "4")
}

func TestJoinSeesNothingFromBefore(t *testing.T) {
	h := New(Options{})
	_, s0 := add(t, h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), 0)
	m, s := add(t, h, nil, "r")
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Send(m, text("3"))
	outbox.Flush()
	wantTexts(t, "who was there", s0, "1", "2")
	wantTexts(t, "who came", s, "2", "3")
}

func TestLeaveDeliversFirst(t *testing.T) {
	h := New(Options{})
	m, s := add(t, h, nil, "r")
	_, s2 := add(t, h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Send(m, text("2"))
	h.Leave(m, "r")
	wantTexts(t, "who left", s, "1", "2")
	outbox.Broadcast([]byte("r"), text("3"), 0)
	outbox.Flush()
	wantTexts(t, "who left", s, "1", "2")
	wantTexts(t, "who stayed", s2, "1", "3")
	h.Leave(m, "r")
	h.Leave(m, "no such room")
}

func partOf(h *Hub, m *Member, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[room]
	s := m.seatIn(r)
	m.seats = slices.DeleteFunc(m.seats, func(x *seat) bool { return x == s })
	r.part(s)
}

// What is sent between the two steps of Leave is behind what is on its way.
func TestPartWaitsForTheFlusher(t *testing.T) {
	h := New(Options{})
	_, start, done := busyRoom(t, h, "r")
	m, s := add(t, h, nil, "r")
	r := h.Room("r")
	start()
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("2"), 0)
	parted := make(chan struct{})
	go func() { defer close(parted); partOf(h, m, "r") }()
	until(func() bool {
		select {
		case <-parted:
			return true
		default:
			return waiters(r) == 1
		}
	})
	done()
	<-parted
	outbox.Flush()
	wantTexts(t, "who left", s, "in r", "2")
}

// Who comes back at once gets nothing twice.
func TestRejoin(t *testing.T) {
	h := New(Options{})
	m, s := add(t, h, nil, "r")
	add(t, h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Send(m, text("2"))
	partOf(h, m, "r")
	if err := h.Join(m, "r"); err != nil {
		t.Fatal(err)
	}
	outbox.Broadcast([]byte("r"), text("3"), 0)
	outbox.Flush()
	wantTexts(t, "the member", s, "1", "2", "3")
}

// A message goes out although its member leaves the busy room meanwhile.
func TestInsertAfterLeaving(t *testing.T) {
	h := New(Options{})
	m, _ := add(t, h, nil, "r")
	add(t, h, nil, "r")
	r := h.Room("r")
	seat := m.seatIn(r)
	outbox := Outbox{Hub: h}
	h.Leave(m, "r")
	outbox.Broadcast([]byte("r"), text("1"), 0)
	if ok, _ := r.insert(seat, text("2"), nil); ok {
		t.Error("a message was left with a room that its member is not in")
	}
	outbox.Flush()
}

func TestSendUser(t *testing.T) {
	h := New(Options{})
	a, sa := add(t, h, nil)
	b, sb := add(t, h, nil)
	c, sc := add(t, h, nil)
	for _, m := range []*Member{a, b} {
		h.Identify(m, "ann")
	}
	h.Identify(c, "bob")
	outbox := Outbox{Hub: h}
	outbox.SendUser([]byte("ann"), text("1"))
	h.Identify(b, "bob")
	outbox.SendUser([]byte("ann"), text("2"))
	outbox.SendUser([]byte("bob"), text("3"))
	outbox.SendUser([]byte("nobody"), text("4"))
	h.Remove(a)
	outbox.SendUser([]byte("ann"), text("5"))
	outbox.Flush()
	wantTexts(t, "a", sa, "1", "2")
	wantTexts(t, "b", sb, "1", "3")
	wantTexts(t, "c", sc, "3")
	if n := len(h.users); n != 1 {
		t.Errorf("%d users are known, want 1", n)
	}
}

func TestReports(t *testing.T) {
	var frames, bytes, flushes int
	h := New(Options{
		Sent:    func(f, b int) { frames += f; bytes += b },
		Flushed: func(f Flush) { flushes += f.Members * f.Frames },
	})
	a, sa := add(t, h, nil, "r", "q")
	_, sb := add(t, h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Send(a, text("alone"))
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Broadcast([]byte("r"), text("2"), a.ID)
	outbox.Send(a, text("behind one"))
	outbox.Broadcast([]byte("q"), text("3"), 0)
	outbox.Send(a, text("behind two"))
	outbox.Flush()
	if want := len(sa.texts(t)) + len(sb.texts(t)); frames != want || want != 7 {
		t.Errorf("%d frames reported, %d arrived, want 7", frames, want)
	}
	if want := len(sa.got) + len(sb.got); bytes != want {
		t.Errorf("%d bytes reported, %d arrived", bytes, want)
	}
	if flushes != 2*2+1 {
		t.Errorf("the flushes report %d frames × members, want 5", flushes)
	}
}

func TestLargeFrames(t *testing.T) {
	h := New(Options{})
	_, s := add(t, h, nil, "r")
	outbox := Outbox{Hub: h}
	big := bytes.Repeat([]byte("x"), 5*flushAt)
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Broadcast([]byte("r"), frame.Append(nil, abi.Text, big), 0)
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Flush()
	wantTexts(t, "the member", s, "1", strings.Repeat("x", len(big)), "2")
}

// TestBroadcastDoesNotAllocate: to a large room without a history, to all and to all but one.
func TestBroadcastDoesNotAllocate(t *testing.T) {
	h := New(Options{})
	var m *Member
	for range 100 {
		m, _ = add(t, h, &count{}, "r")
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
			t.Errorf("but %d: %v allocations", except, n)
		}
	}
}

// TestWaitersAllGoOn: a member that leaves waits for the one who delivers, and so may one who
// has to deliver next.
func TestWaitersAllGoOn(t *testing.T) {
	h := New(Options{})
	slow := hold()
	add(t, h, slow, "r")
	leaver, _ := add(t, h, nil, "r")
	r := h.Room("r")
	waiting := func(n int) {
		for {
			r.mu.Lock()
			ok := r.waiting == n
			r.mu.Unlock()
			if ok {
				return
			}
			runtime.Gosched()
		}
	}
	var all sync.WaitGroup
	r.add(text("first"), 0, frame.Position{})
	all.Go(r.flush)
	<-slow.entered
	r.add(text("%s", strings.Repeat("x", flushAt)), 0, frame.Position{})
	all.Go(func() { partOf(h, leaver, "r") })
	waiting(1)
	all.Go(r.flush)
	waiting(2)
	slow.release()
	all.Wait()
}
