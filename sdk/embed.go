// Package sdk holds the SDKs as files, for commands that put them into
// projects.
package sdk

import "embed"

// Files has a folder for each SDK, under the name that it has here, and ABI.md.
// The folders are listed where tools leave what they make beside the sources.
//
//go:embed ABI.md go js c zig wat
//go:embed rust/README.md rust/Cargo.toml rust/src rust/.cargo
//go:embed assemblyscript/README.md assemblyscript/package.json assemblyscript/assembly
var Files embed.FS
