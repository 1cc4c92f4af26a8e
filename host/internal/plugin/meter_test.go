package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// spentBy is the fuel of one message.
func spentBy(t *testing.T, p *Plugin, text string) int64 {
	t.Helper()
	before := p.Stats().Fuel
	if err := message(p, &fakeEnv{}, text); err != nil {
		t.Fatal(err)
	}
	return p.Stats().Fuel - before
}

// Fuel counts work, and not time: the same event spends the same, on every
// instance and on every plugin of the module.
func TestFuelIsExact(t *testing.T) {
	first := map[string]int64{}
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode}, guest(t, "faults"))
		for _, text := range []string{".", "G", ".", "1 some words", "."} {
			got := spentBy(t, p, text)
			if got <= 0 {
				t.Fatalf("%q spent %d", text, got)
			}
			if want, ok := first[text]; ok && got != want {
				t.Errorf("%q spent %d, and %d before", text, got, want)
			}
			first[text] = got
		}
		wantFault(t, message(p, &fakeEnv{}, "u"), Trap)
		if got := spentBy(t, p, "."); got <= first["."] {
			t.Errorf("a new instance and its first message spent %d, a message alone %d", got, first["."])
		}
		if got := spentBy(t, p, "."); got != first["."] {
			t.Errorf("on a new instance a message spent %d, and %d before", got, first["."])
		}
	}
}

func TestFuelIsSpent(t *testing.T) {
	for _, limit := range []int64{1_000, fuelSlice, 10 * fuelSlice, 3_333_333} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			p := newPlugin(t, Options{Fuel: limit}, guest(t, "faults"))
			before := p.Stats().Fuel
			f := wantFault(t, message(p, &fakeEnv{}, "l"), Spent)
			if !strings.Contains(f.Error(), "wasm stack trace:") {
				t.Errorf("no stack in %v", f)
			}
			// The last payment may be larger than what was left, by one segment.
			if got := p.Stats().Fuel - before; got < limit || got > limit+1_000 {
				t.Errorf("the loop spent %d, the limit is %d", got, limit)
			}
			if got := spentBy(t, p, "."); got > limit {
				t.Errorf("after it a message spent %d", got)
			}
		})
	}
}

// A start is bounded, too, and by limits of its own.
func TestStartIsMetered(t *testing.T) {
	p := newPlugin(t, Options{LoadFuel: 100_000, Config: []byte("l")}, nil)
	_, err := p.Load(t.Context(), guest(t, "faults"))
	wantFault(t, err, Start)
	if !strings.Contains(err.Error(), errFuel.Error()) {
		t.Errorf("got %v", err)
	}
	p = newPlugin(t, Options{LoadDeadline: 20 * time.Millisecond, Config: []byte("l")}, nil)
	_, err = p.Load(t.Context(), guest(t, "faults"))
	wantFault(t, err, Start)
	if !strings.Contains(err.Error(), errDeadline.Error()) {
		t.Errorf("got %v", err)
	}
}
