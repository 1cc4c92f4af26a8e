package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Many goroutines send to one room while members come and go. All members see one
// order.
func TestOneOrder(t *testing.T) {
	const senders, each, stayers, visits = 8, 400, 5, 300
	h := New(Options{})
	var stay []*sink
	for range stayers {
		_, s := add(h, nil, "r")
		stay = append(stay, s)
	}
	var sending, visiting sync.WaitGroup
	for g := range senders {
		sending.Go(func() {
			outbox := Outbox{Hub: h}
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range each {
				outbox.Broadcast([]byte("r"), text("%d:%d", g, i), 0)
				if rnd.IntN(4) == 0 {
					outbox.Flush()
				}
			}
			outbox.Flush()
		})
	}
	type visit struct {
		before, in, after string
		s                 *sink
	}
	seen := make([][]visit, 3)
	for v := range seen {
		visiting.Go(func() {
			outbox := Outbox{Hub: h}
			for i := range visits {
				x := visit{fmt.Sprintf("before %d:%d", v, i), fmt.Sprintf("in %d:%d", v, i), fmt.Sprintf("after %d:%d", v, i), nil}
				outbox.Broadcast([]byte("r"), text("%s", x.before), 0)
				var m *Member
				m, x.s = add(h, nil, "r")
				outbox.Broadcast([]byte("r"), text("%s", x.in), 0)
				h.Leave(m, "r")
				outbox.Broadcast([]byte("r"), text("%s", x.after), 0)
				outbox.Flush()
				h.Remove(m)
				seen[v] = append(seen[v], x)
			}
		})
	}
	sending.Wait()
	visiting.Wait()

	order := stay[0].texts(t)
	if want := senders*each + len(seen)*visits*3; len(order) != want {
		t.Fatalf("%d frames, want %d", len(order), want)
	}
	for _, s := range stay[1:] {
		if !slices.Equal(s.texts(t), order) {
			t.Fatal("two members saw different orders")
		}
	}
	at := map[string]int{}
	next := make([]int, senders)
	for i, f := range order {
		at[f] = i
		var g, n int
		if _, err := fmt.Sscanf(f, "%d:%d", &g, &n); err == nil {
			if n != next[g] {
				t.Fatalf("got frame %s, want %d:%d", f, g, next[g])
			}
			next[g]++
		}
	}
	for _, x := range slices.Concat(seen...) {
		got := x.s.texts(t)
		if !slices.Contains(got, x.in) || slices.Contains(got, x.before) || slices.Contains(got, x.after) {
			t.Fatalf("a visitor got %q, want %q and not what came before or after it", got, x.in)
		}
		if from := at[got[0]]; !slices.Equal(got, order[from:from+len(got)]) {
			t.Fatalf("a visitor got %q, which is no part of the order", got)
		}
	}
	if n := h.busyRooms.Load(); n != 0 {
		t.Errorf("%d busy rooms at the end, want 0", n)
	}
}

// Each goroutine sends numbered messages to one member, among broadcasts, while
// memberships change. The member gets them in order.
func TestSendsAmongBroadcasts(t *testing.T) {
	const senders, each = 6, 600
	h := New(Options{})
	rooms := []string{"a", "b", "c"}
	members := make([]*Member, senders)
	sinks := make([]*sink, senders)
	for i := range members {
		members[i], sinks[i] = add(h, nil, rooms...)
	}
	var wg sync.WaitGroup
	var after atomic.Int64
	for g := range senders {
		wg.Go(func() {
			outbox := Outbox{Hub: h}
			m := members[g]
			rnd := rand.New(rand.NewPCG(2, uint64(g)))
			for i := range each {
				outbox.Broadcast([]byte(rooms[rnd.IntN(3)]), text("other"), 0)
				outbox.Send(m, text("own %d", i))
				switch rnd.IntN(12) {
				case 0:
					outbox.Flush()
				case 1:
					h.Leave(m, "a")
				case 2:
					h.Join(m, "a")
				case 3:
					outbox.BroadcastAll(text("other"), m.ID)
				case 4:
					outbox.After(m, func() { after.Add(1) })
					after.Add(-1)
				}
			}
			outbox.Flush()
		})
	}
	wg.Wait()
	for g, s := range sinks {
		next := 0
		for _, f := range s.texts(t) {
			if n, ok := strings.CutPrefix(f, "own "); ok {
				if n != fmt.Sprint(next) {
					t.Fatalf("member %d got message %s, want %d", g, n, next)
				}
				next++
			}
		}
		if next != each {
			t.Errorf("member %d got %d of its messages, want %d", g, next, each)
		}
	}
	if n := after.Load(); n != 0 {
		t.Errorf("%d calls of After are missing", -n)
	}
	if n := h.busyRooms.Load(); n != 0 {
		t.Errorf("%d busy rooms at the end, want 0", n)
	}
}

// Everything happens at once, for the race detector, and leaves nothing behind.
func TestComeAndGo(t *testing.T) {
	h := New(Options{Wake: func() {}})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			outbox := Outbox{Hub: h}
			rnd := rand.New(rand.NewPCG(3, uint64(g)))
			for range 200 {
				room := fmt.Sprint("room ", rnd.IntN(4))
				m, _ := add(h, nil, room)
				h.Identify(m, fmt.Sprint("user ", rnd.IntN(4)))
				outbox.Broadcast([]byte(room), text("x"), m.ID)
				outbox.SendUser([]byte("user 1"), text("y"))
				outbox.BroadcastAll(text("z"), 0)
				h.RoomMemberIDs(room)
				h.Present(room)
				h.Identify(m, fmt.Sprint("user ", rnd.IntN(4)))
				h.Leave(m, room)
				h.Join(m, room)
				outbox.Flush()
				h.Remove(m)
				h.Remove(m)
				h.Leave(m, room)
				h.Identify(m, "late")
			}
		})
	}
	wg.Wait()
	h.TakePresence(time.Now())
	left := []int{h.Len(), h.Rooms(), len(h.users), len(h.all.present), h.all.Size(), int(h.busyRooms.Load())}
	if slices.Max(left) > 0 {
		t.Errorf("%v members, rooms, users, present users, memberships and busy rooms, want none", left)
	}
}
