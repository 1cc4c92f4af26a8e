package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// spentBy returns the fuel that one message costs.
func spentBy(t *testing.T, p *Plugin, text string) int64 {
	t.Helper()
	before := p.Stats().Fuel
	if err := message(p, &fakeEnv{}, text); err != nil {
		t.Fatal(err)
	}
	return p.Stats().Fuel - before
}

// TestFuelIsExact: fuel counts work, not time. The same event spends the same fuel on every instance and on every
// plugin of the module.
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
			f := wantFault(t, message(p, &fakeEnv{}, "l"), OutOfFuel)
			if !strings.Contains(f.Error(), "wasm stack trace:") {
				t.Errorf("there is no stack trace in %v", f)
			}
			// The last charge, for one segment of code, may be larger than the fuel that was left.
			if got := p.Stats().Fuel - before; got < limit || got > limit+1_000 {
				t.Errorf("the loop spent %d, the limit is %d", got, limit)
			}
			if got := spentBy(t, p, "."); got > limit {
				t.Errorf("afterwards a message spent %d", got)
			}
		})
	}
}

// TestStartIsMetered: the start of an instance has limits of its own.
func TestStartIsMetered(t *testing.T) {
	p := newPlugin(t, Options{LoadFuel: 100_000, Config: []byte("l")}, nil)
	_, err := p.Load(t.Context(), guest(t, "faults"))
	wantFault(t, err, StartFailed)
	if !strings.Contains(err.Error(), errFuel.Error()) {
		t.Errorf("got %v", err)
	}
	p = newPlugin(t, Options{LoadDeadline: 20 * time.Millisecond, Config: []byte("l")}, nil)
	_, err = p.Load(t.Context(), guest(t, "faults"))
	wantFault(t, err, StartFailed)
	if !strings.Contains(err.Error(), errDeadline.Error()) {
		t.Errorf("got %v", err)
	}
}

// TestHostFunctionsCostFuel: calls of host functions, and the bytes of their arguments, count towards the limit of the
// hook.
func TestHostFunctionsCostFuel(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "echo"))
	short := spentBy(t, p, strings.Repeat("x", 16))
	if short < abi.CallFuel || short > abi.CallFuel+100 {
		t.Errorf("an echo of 16 bytes spent %d, of which a call is %d", short, abi.CallFuel)
	}
	if long := spentBy(t, p, strings.Repeat("x", 1600)); long != short+99*16/abi.BytesPerFuel {
		t.Errorf("an echo of 1,600 bytes spent %d, one of 16 %d", long, short)
	}
	p = newPlugin(t, Options{Fuel: short}, guest(t, "echo"))
	if err := message(p, &fakeEnv{}, strings.Repeat("x", 16)); err != nil {
		t.Error("with just enough fuel:", err)
	}
	wantFault(t, message(p, &fakeEnv{}, strings.Repeat("x", 1600)), OutOfFuel)
}
