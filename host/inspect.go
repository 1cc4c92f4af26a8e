package host

import (
	"context"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Capability names a group of host functions that a route may grant or not; the
// table is abi.Capabilities.
type Capability = abi.Capability

// Info describes a module: what it exports and asks for, and whether it
// would load.
type Info = plugin.Info

// Inspect describes a module without running it.
func Inspect(ctx context.Context, wasm []byte) (*Info, error) { return plugin.Inspect(ctx, wasm) }
