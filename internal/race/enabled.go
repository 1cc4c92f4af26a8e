//go:build race

// Package race tells tests whether the race detector is in use, which makes code slower and larger.
package race

// Enabled reports whether the race detector is in use.
const Enabled = true
