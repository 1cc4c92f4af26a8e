package abi

// Cost of a host function, in fuel of the hook that calls it.
const (
	// CallFuel is the cost of each call, including calls of WASI functions.
	CallFuel = 200
	// BytesPerFuel is the number of bytes that cost 1 in addition. It counts the
	// bytes that the guest passes, and those that a getter has to return, whether
	// they fit or not.
	BytesPerFuel = 16
)
