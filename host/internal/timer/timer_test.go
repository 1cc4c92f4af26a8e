package timer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestQueue compares a queue with a map over random operations.
func TestQueue(t *testing.T) {
	var q Queue
	want := map[ID]time.Time{}
	start := time.Unix(0, 0)
	next := func() (first time.Time) {
		for _, at := range want {
			if first.IsZero() || at.Before(first) {
				first = at
			}
		}
		return first
	}
	for range 10_000 {
		id := ID{Conn: rand.Uint64N(4), Name: string(rune('a' + rand.IntN(4)))}
		at := start.Add(time.Duration(1 + rand.IntN(100)))
		switch rand.IntN(4) {
		case 0, 1:
			want[id] = at
			if first := q.Set(id, at); first && !next().Equal(at) {
				t.Fatalf("Set says that %v is the first, that is %v", at, next())
			}
		case 2:
			delete(want, id)
			q.Clear(id)
		case 3:
			got, ok := q.Take(at)
			if first := next(); ok != (len(want) > 0 && !first.After(at)) || ok && !want[got].Equal(first) {
				t.Fatalf("Take(%v) = %v, %v with %v", at, got, ok, want)
			}
			delete(want, got)
		}
		if at, ok := q.Next(); ok != (len(want) > 0) || ok && !at.Equal(next()) {
			t.Fatalf("Next = %v, %v with %v", at, ok, want)
		}
		if _, set := want[id]; q.Len() != len(want) || q.Has(id) != set {
			t.Fatalf("%d timers, has %v: %v; want %v", q.Len(), id, q.Has(id), want)
		}
	}
}

// TestOrder takes timers in the order of their times.
func TestOrder(t *testing.T) {
	var q Queue
	start := time.Unix(0, 0)
	for i := range 10 {
		q.Set(ID{Name: string(rune('a' + i))}, start.Add(time.Duration(100-i)))
	}
	var names []string
	for id, ok := q.Take(start.Add(time.Hour)); ok; id, ok = q.Take(start.Add(time.Hour)) {
		names = append(names, id.Name)
	}
	slices.Reverse(names)
	if !slices.IsSorted(names) || len(names) != 10 {
		t.Errorf("taken in the order %q reversed", names)
	}
}
