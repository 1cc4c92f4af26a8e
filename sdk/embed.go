// Package sdk embeds the files of the SDKs. azuhost new copies them into projects. azuhost build bundles the SDK for
// JavaScript with scripts.
package sdk

import "embed"

// Files has ABI.md and the folder of each SDK. The patterns name the single files of folders in which compilers write
// their output beside the sources.
//
//go:embed ABI.md go js
//go:embed c/README.md c/azuhost.h c/azuhost.hpp c/azuhost_raw.h c/examples
//go:embed zig/README.md zig/azuhost.zig zig/raw.zig zig/examples
//go:embed wat/README.md wat/raw.wat wat/template.wat wat/examples
//go:embed rust/README.md rust/Cargo.toml rust/src rust/.cargo
//go:embed assemblyscript/README.md assemblyscript/package.json assemblyscript/assembly
var Files embed.FS
