// Package sdk holds the SDKs as files, for commands that put them into
// projects.
package sdk

import "embed"

// Files has a folder for each SDK, under the name that it has here.
//
//go:embed js go c rust
var Files embed.FS
