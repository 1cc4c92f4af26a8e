package plugin

import (
	"errors"
	"fmt"

	"github.com/azuhost/azuhost/internal/wasm"
)

// codeToCompile scans a module before the compiler sees it, and returns the code to compile. With Metering Fuel this
// is the metered module.
func (p *Plugin) codeToCompile(module []byte) ([]byte, error) {
	m, err := scanModule(module, p.options.scanLimits())
	if err != nil {
		return nil, err
	}
	if p.options.Metering != Fuel {
		return cutNames(module, m), nil
	}
	return wasm.Meter(module, m, wasm.MeterOptions{
		Module: meterModule, Name: meterSpend, Fuel: meterFuel,
		MemoryPages: uint32(p.alloc.limit / wasmPage),
	})
}

// cutNames shortens the names in a module that is not metered. The compiler puts the module's name before the name of
// each function, and both into the stack trace of each fault.
func cutNames(module []byte, m *wasm.Module) []byte { return wasm.CutNames(module, m) }

func (o Options) scanLimits() wasm.Limits {
	l := o.Scan
	l.Module = int(o.MaxModule)
	l.MemoryPages = int((o.MemoryLimit + wasmPage - 1) / wasmPage)
	return l
}

// scanModule is wasm.Scan with errors that name the keys of the configuration.
func scanModule(module []byte, l wasm.Limits) (*wasm.Module, error) {
	m, err := wasm.Scan(module, l)
	if err == nil {
		return m, nil
	}
	var syntax *wasm.SyntaxError
	if errors.As(err, &syntax) {
		return nil, explainCompile(module, err)
	}
	var limit *wasm.LimitError
	if errors.As(err, &limit) && limit.Key == "limits.max_memory_pages" {
		return nil, fmt.Errorf("the module needs more memory than the route allows: it starts with %d pages of 64 KiB, "+
			"and the limit is %d; raise limits.memory", limit.Found, limit.Limit)
	}
	return nil, fmt.Errorf("module refused: %w", err)
}
