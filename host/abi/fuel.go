package abi

// What a host function costs of the fuel of the hook that calls it. Bytes are those
// that the guest gives, and those that a getter has to give, whether they fit or not.
const (
	// CallFuel is the price of each call, of WASI's functions, too.
	CallFuel = 200
	// BytesPerFuel: so many bytes cost 1 in addition.
	BytesPerFuel = 16
)
