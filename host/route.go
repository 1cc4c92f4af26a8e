package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/routepath"
)

// maxHistory bounds History.Size, since a client that recovers gets all messages
// at once.
const maxHistory = 100_000

// capabilityNames lists the values of Route.Allow.
func capabilityNames() string {
	names := []string{string(abi.AllCapabilities)}
	for _, d := range abi.Capabilities {
		names = append(names, string(d.Name))
	}
	return strings.Join(names, ", ")
}

// validate returns an error that joins all that is wrong with a route. It does not
// look at files.
func (r Route) validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if _, _, err := routepath.Parse(r.Path); err != nil {
		errs = append(errs, err)
	}
	if (r.Plugin == "") == (r.Channel == nil) {
		bad("set either Plugin, a .wasm file, or Channel, a channel in Go")
	}
	if !slices.Contains([]Instances{"", Single, Pool}, r.Instances) {
		bad("instances %q: want single or pool", r.Instances)
	}
	if !slices.Contains([]Metering{"", MeterFuel, MeterDeadline, MeterOff}, r.Metering) {
		bad("metering %q: want fuel, deadline or off", r.Metering)
	}
	for _, c := range r.Allow {
		if !c.Known() {
			bad("allow: there is no capability %q: want %s", c, capabilityNames())
		}
	}
	if !slices.Contains([]SlowReader{"", SlowClose, SlowDropOldest}, r.SlowReader) {
		bad("slow_reader %q: want close or drop_oldest", r.SlowReader)
	}
	if !slices.Contains([]OnFault{"", FaultKeep, FaultClose}, r.OnFault) {
		bad("on_fault %q: want keep or close", r.OnFault)
	}
	if !slices.Contains([]Store{"", StoreMemory, StoreShared}, r.Store) {
		bad("store %q: want memory or shared", r.Store)
	}
	if r.History.Size < 0 || r.History.Size > maxHistory {
		bad("history of %d messages: want 0 to %d", r.History.Size, maxHistory)
	}
	if r.History.TTL < 0 {
		bad("history for %v: want 0 for the default, or more", r.History.TTL)
	}
	if err := checkEach("allowed_origins", r.AllowedOrigins, CheckAllowedOrigin); err != nil {
		errs = append(errs, err)
	}
	if err := r.validateAuth(); err != nil {
		errs = append(errs, err)
	}
	if err := r.Limits.validate(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("route %s: %w", r.Path, err)
	}
	return nil
}
