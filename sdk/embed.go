// Package sdk holds the SDKs as files, for commands that put them into
// projects.
package sdk

import "embed"

// Files has a folder for each SDK, under the name that it has here, and ABI.md.
// The folders are listed where tools leave what they make beside the sources.
//
//go:embed ABI.md go js
//go:embed c/README.md c/azuhost.h c/azuhost.hpp c/azuhost_raw.h c/examples
//go:embed zig/README.md zig/azuhost.zig zig/raw.zig zig/examples
//go:embed wat/README.md wat/raw.wat wat/template.wat wat/examples
//go:embed rust/README.md rust/Cargo.toml rust/src rust/.cargo
//go:embed assemblyscript/README.md assemblyscript/package.json assemblyscript/assembly
var Files embed.FS
