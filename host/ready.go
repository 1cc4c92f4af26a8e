package host

import (
	"errors"
	"fmt"
	"strings"
)

// Ready returns an error if the host cannot serve new connections: it drains or is closed, a plugin is not loaded, the
// keys of Options.Auth were never fetched or are too old, or every route is quarantined. Without an error, notes lists
// what is degraded, one line each: routes that are quarantined, keys that cannot be fetched, no link to the broker.
func (h *Host) Ready() (notes []string, err error) {
	if h.closing.Load() {
		return nil, errors.New("draining")
	}
	routes, now := h.runtimes(), h.now()
	var quarantined []string
	for _, rt := range routes {
		if state, _ := rt.state(now); state == Quarantined {
			quarantined = append(quarantined, rt.pattern)
		}
		if p := rt.settings.Load().plugin; p != nil && p.Version() == "" {
			return nil, fmt.Errorf("plugin of %s is not loaded", rt.pattern)
		}
	}
	if err := h.checkKeys(); err != nil {
		return nil, err
	}
	if len(quarantined) > 0 {
		note := "quarantined: " + strings.Join(quarantined, ", ")
		if len(quarantined) == len(routes) {
			return nil, errors.New("every route is quarantined\n" + note)
		}
		notes = append(notes, note)
	}
	for _, note := range []string{h.keysNote(), h.brokerNote()} {
		if note != "" {
			notes = append(notes, note)
		}
	}
	return notes, nil
}
