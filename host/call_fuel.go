package host

import (
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Some host functions read long lists. The hook is charged fuel for the work, so
// that many such calls cannot run past its deadline (sdk/ABI.md, "Numbers").

// listFuel is the fuel for reading one connection or user of a list. Finding,
// copying and sorting it takes as long as about 16 instructions of a guest.
const listFuel = 16

// comparisonsPerTimeCheck is how many comparisons a sort makes between two checks
// of the hook's deadline.
const comparisonsPerTimeCheck = 4096

// SetMeter implements plugin.Metered.
func (c *call) SetMeter(m plugin.Meter) { c.meter = m }

// charge takes fuel from the hook. It ends the hook, by a panic, when its fuel or
// time is used up. The caller must not hold locks.
func (c *call) charge(fuel int) {
	if c.meter != nil && fuel > 0 {
		c.meter.Charge(int64(fuel))
	}
}

// sort sorts names. It checks the deadline of the hook meanwhile, since there may
// be a million. The comparisons are not charged: their number depends on the order
// of the names.
func (c *call) sort(names []string) {
	if c.meter == nil || len(names) < comparisonsPerTimeCheck/16 {
		slices.Sort(names)
		return
	}
	n := 0
	slices.SortFunc(names, func(a, b string) int {
		if n++; n%comparisonsPerTimeCheck == 0 {
			c.meter.CheckTime()
		}
		return strings.Compare(a, b)
	})
}
