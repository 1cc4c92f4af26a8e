package main

import (
	"fmt"
	"strings"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// parseCapabilities returns the capabilities of that names. The result is not nil, which would be all capabilities.
func parseCapabilities(names []string) ([]host.Capability, error) {
	out := []host.Capability{}
	for _, name := range names {
		c := host.Capability(name)
		if !c.Known() {
			known := strings.Join(capabilityNames(), ", ")
			return nil, &usageError{fmt.Sprintf("there is no capability %q: want %s", name, known)}
		}
		out = append(out, c)
	}
	return out, nil
}

// capabilityNames returns the names that --allow accepts.
func capabilityNames() []string {
	names := []string{string(abi.AllCapabilities)}
	for _, d := range abi.Capabilities {
		names = append(names, string(d.Name))
	}
	return names
}

// joinCapabilities returns the names of capabilities with commas between them.
func joinCapabilities(list []host.Capability) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
