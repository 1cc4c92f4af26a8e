package abi

import "slices"

// Capability is the name of a group of host functions. A route allows some of them.
type Capability string

// AllCapabilities stands for all capabilities in the list of a route.
const AllCapabilities Capability = "all"

// CapabilityDef defines a capability. Functions without one are always allowed:
// read, fail and poll_oneoff have no effect outside of the guest, and the rest of
// WASI reports that nothing exists, such as no files and no arguments.
type CapabilityDef struct {
	Name    Capability
	Imports []string // functions of module azu
	WASI    []string // functions of WASI
	Doc     string
}

// Capabilities is the table of capabilities.
var Capabilities = []CapabilityDef{
	{"send", []string{"send", "send_user", "send_users"}, nil, "send to connections and users"},
	{"broadcast", []string{"broadcast", "broadcast_all"}, nil, "send to rooms and to the channel"},
	{"close", []string{"close"}, nil, "close connections"},
	{"rooms", []string{"join", "leave", "room_size", "room_members", "room_users", "rooms"}, nil,
		"join, leave and list rooms"},
	{"identify", []string{"identify"}, nil, "set the user of a connection"},
	{"users", []string{"user", "online", "users"}, nil, "read users and presence"},
	{"request", []string{"param", "query", "header", "remote_addr", "subprotocol", "claims"}, nil,
		"read the handshake: path, query, headers, address, token"},
	{"values", []string{"value_get", "value_set", "value_delete"}, nil, "read and write values of connections"},
	{"store", []string{"store_get", "store_set", "store_delete", "store_add"}, nil, "read and write the channel's store"},
	{"timers", []string{"timer_set", "timer_clear"}, nil, "set timers"},
	{"metrics", []string{"metric"}, nil, "write metrics of its own"},
	{"log", []string{"log"}, nil, "write to the log"},
	{"time", []string{"now"}, []string{"clock_time_get", "clock_res_get"}, "read clocks"},
	{"random", nil, []string{"random_get"}, "read random numbers"},
	{"stdio", nil, []string{"fd_write", "fd_read"}, "print to the log"},
}

// CapabilityOf returns the capability of a function of WASI or of module azu. ok
// is false for a function that is always allowed.
func CapabilityOf(name string, wasi bool) (c Capability, ok bool) {
	for _, d := range Capabilities {
		if !wasi && slices.Contains(d.Imports, name) {
			return d.Name, true
		}
		if wasi && slices.Contains(d.WASI, name) {
			return d.Name, true
		}
	}
	return "", false
}

// Known reports whether c is AllCapabilities or in Capabilities.
func (c Capability) Known() bool {
	return c == AllCapabilities || slices.ContainsFunc(Capabilities, func(d CapabilityDef) bool { return d.Name == c })
}

// ManifestSection is the name of the custom section in which a module may have a
// Manifest, as JSON.
const ManifestSection = "azuhost"

// Manifest is the information that a module gives about itself.
type Manifest struct {
	// Optional lists the capabilities that the module can do without. A route that
	// does not allow them does not refuse the module: their functions return PERM.
	Optional []Capability `json:"optional,omitempty"`
}
