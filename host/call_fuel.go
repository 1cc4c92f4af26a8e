package host

import (
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// What a hook asks for may make the host go over a lot, many times in a hook, while
// nobody looks at its time. So hooks of plugins pay for it (sdk/ABI.md, numbers).

// listFuel is what it costs to go over one connection, or one user, of many: to find,
// copy and sort it takes as long as some instructions of a guest.
const listFuel = 16

// sortedUnseen is how many comparisons a sort makes before it looks at the time again.
const sortedUnseen = 4096

// ChargeTo implements plugin.Metered.
func (c *call) ChargeTo(m plugin.Meter) { c.meter = m }

// charge takes fuel from the hook, and ends it when it has no time left. Locks must not be held.
func (c *call) charge(fuel int) {
	if c.meter != nil && fuel > 0 {
		c.meter.Charge(int64(fuel))
	}
}

// sort sorts names, and looks at the hook's time meanwhile: there may be a million. How
// many comparisons it takes depends on the order, so they are not what the hook pays.
func (c *call) sort(names []string) {
	if c.meter == nil || len(names) < sortedUnseen/16 {
		slices.Sort(names)
		return
	}
	n := 0
	slices.SortFunc(names, func(a, b string) int {
		if n++; n%sortedUnseen == 0 {
			c.meter.Look()
		}
		return strings.Compare(a, b)
	})
}
