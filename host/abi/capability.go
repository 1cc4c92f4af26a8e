package abi

import "slices"

// Capability names a group of host functions that a route may grant or not.
type Capability string

// AllCapabilities stands for all of them in a route's list.
const AllCapabilities Capability = "all"

// CapabilityDef is a capability: its functions in module azu, and those of WASI.
// What is in none (read, fail, poll_oneoff, the rest of WASI, which answers that there
// is nothing) reaches nothing and is always allowed.
type CapabilityDef struct {
	Name    Capability
	Imports []string
	WASI    []string
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

// CapabilityOf finds the capability of an import. wasi says that it is of WASI
// and not of module azu. ok is false for what is always allowed.
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

// Known says whether there is such a capability, AllCapabilities included.
func (c Capability) Known() bool {
	return c == AllCapabilities || slices.ContainsFunc(Capabilities, func(d CapabilityDef) bool { return d.Name == c })
}

// ManifestSection is the custom section where a module may keep a Manifest, as JSON.
const ManifestSection = "azuhost"

// Manifest is what a module says about itself.
type Manifest struct {
	// Optional are capabilities that the module can live without: where a route does
	// not allow one, its functions answer PERM, and the module is not refused.
	Optional []Capability `json:"optional,omitempty"`
}
