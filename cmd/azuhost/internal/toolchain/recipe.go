package toolchain

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script"
	"github.com/azuhost/azuhost/sdk"
)

// How each language is built. The flags are those of the READMEs in sdk/.

func buildScript(ctx context.Context, b *builder) error {
	p, err := script.Build(ctx, b.file, script.Options{Runtime: b.Runtime, Console: b.Console, Timeout: b.ScriptTimeout})
	if wrong := (*script.SourceError)(nil); errors.As(err, &wrong) {
		b.inputs = wrong.Inputs
		return &Failed{Text: wrong.Text}
	}
	if err != nil {
		return err
	}
	b.inputs, b.warnings = p.Inputs, p.Warnings
	return os.WriteFile(b.out, p.Wasm, 0o600)
}

var goEnv = []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}

func buildGo(ctx context.Context, b *builder) error {
	program, err := b.tool(goTool)
	if err != nil {
		return err
	}
	// What git says of the folder is not put into plugins: a folder of another
	// owner would not build, and every commit would make another version.
	_, err = b.run(ctx, goEnv, program, "build", "-buildvcs=false", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", b.out, ".")
	return err
}

func buildTinyGo(ctx context.Context, b *builder) error {
	if _, err := b.tool(goTool); err != nil {
		return err
	}
	program, err := b.tool(tinyGoTool)
	if err != nil {
		return err
	}
	_, err = b.run(ctx, nil, program, "build", "-target=wasip1", "-buildmode=c-shared", "-opt=z", "-no-debug", "-o", b.out, ".")
	return err
}

const rustTriple = "wasm32-unknown-unknown"

// systemRust is where Debian has Rust, with targets that a rustup beside it
// may lack.
const systemRust = "/usr/bin/rustc"

// hasRustTarget: the target is no program, but a folder of the compiler's.
func hasRustTarget(env []string) bool {
	_, ok := rustc(env)
	return ok
}

// rustc is the compiler that has the target; empty: cargo's own.
func rustc(env []string) (file string, ok bool) {
	for _, file := range []string{"", systemRust} {
		name := file
		if name == "" {
			if name, ok = lookPath("rustc", env); !ok {
				continue
			}
		}
		cmd := exec.Command(name, "--print", "target-libdir", "--target", rustTriple)
		cmd.Env = env
		out, err := cmd.Output()
		if err == nil && exists(strings.TrimSpace(string(out))) {
			return file, true
		}
	}
	return "", false
}

func buildRust(ctx context.Context, b *builder) error {
	cargo, err := b.tool(cargoTool)
	if err != nil {
		return err
	}
	compiler, ok := rustc(b.Env)
	if !ok {
		return &Missing{b.lang.Title, rustTarget}
	}
	var env []string
	if compiler != "" {
		cargo, env = filepath.Join(filepath.Dir(compiler), "cargo"), []string{"RUSTC=" + compiler}
	}
	out, err := b.run(ctx, env, cargo, "build", "--release", "--target", rustTriple, "--message-format=json-render-diagnostics")
	if err != nil {
		return err
	}
	file, err := cargoOutput(out)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(b.out, data, 0o600)
}

// cargoOutput finds the module in what cargo says it has made.
func cargoOutput(said []byte) (file string, err error) {
	lines := bufio.NewScanner(bytes.NewReader(said))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m struct {
			Reason    string   `json:"reason"`
			Filenames []string `json:"filenames"`
		}
		if json.Unmarshal(lines.Bytes(), &m) != nil || m.Reason != "compiler-artifact" {
			continue
		}
		for _, f := range m.Filenames {
			if strings.HasSuffix(f, ".wasm") {
				file = f
			}
		}
	}
	if file == "" {
		return "", &Failed{Text: `cargo has made no .wasm file: the crate needs [lib] crate-type = ["cdylib"]`}
	}
	return file, lines.Err()
}

func buildC(ctx context.Context, b *builder) error {
	clang, err := b.tool(clangTool)
	if err != nil {
		return err
	}
	if _, err := b.tool(lldTool); err != nil {
		return err
	}
	headers, err := b.sdk()
	if err != nil {
		return err
	}
	// There is no memset and memcpy to call: clang writes the instructions. The
	// stack is below the data, so that one that overflows is a trap, and does
	// not write over globals.
	args := []string{"--target=wasm32", "-Os", "-mbulk-memory", "-nostdlib", "-ffreestanding", "-Wl,--no-entry,--stack-first,-z,stack-size=65536,--strip-all"}
	if b.lang.Name == "cpp" {
		args = append(args, "-std=c++20", "-fno-exceptions", "-fno-rtti")
	}
	// A copy in the project stands above the SDK that azuhost has.
	for _, dir := range []string{b.dir, filepath.Join(b.dir, "azuhost"), headers} {
		args = append(args, "-I", dir)
	}
	_, err = b.run(ctx, nil, clang, append(args, "-o", b.out, b.file)...)
	return err
}

func buildZig(ctx context.Context, b *builder) error {
	zig, err := b.tool(zigTool)
	if err != nil {
		return err
	}
	module := filepath.Join(b.dir, "azuhost", "azuhost.zig")
	if !exists(module) {
		dir, err := b.sdk()
		if err != nil {
			return err
		}
		module = filepath.Join(dir, "azuhost.zig")
	}
	_, err = b.run(ctx, []string{"ZIG_LOCAL_CACHE_DIR=" + b.work}, zig, "build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSmall", "-fno-entry", "-rdynamic", "-fstrip",
		"--stack", "65536", "--dep", "azuhost", "-Mroot="+b.file, "-Mazuhost="+module, "-femit-bin="+b.out)
	return err
}

func buildAssemblyScript(ctx context.Context, b *builder) error {
	asc, err := b.tool(ascTool)
	if err != nil {
		return err
	}
	args := []string{b.file, "--outFile", b.out, "--optimizeLevel", "3", "--shrinkLevel", "1", "--runtime", "minimal"}
	if exists(filepath.Join(b.dir, "asconfig.json")) { // it has the options
		args = []string{b.file, "--outFile", b.out, "--target", "release"}
	}
	_, err = b.run(ctx, nil, asc, args...)
	return err
}

func buildWAT(ctx context.Context, b *builder) error {
	program, err := b.tool(watTool)
	if err != nil {
		return err
	}
	args := []string{b.file, "-o", b.out}
	if strings.HasPrefix(filepath.Base(program), "wasm-tools") {
		args = append([]string{"parse"}, args...)
	}
	_, err = b.run(ctx, nil, program, args...)
	return err
}

// sdk writes the SDK of the language to the work folder, for sources that have
// no copy of it beside them.
func (b *builder) sdk() (dir string, err error) {
	from, err := fs.Sub(sdk.Files, b.lang.SDK)
	if err != nil {
		return "", err
	}
	if _, err := fs.Stat(from, "."); err != nil {
		return "", fmt.Errorf("this azuhost has no SDK for %s", b.lang.Title)
	}
	dir = filepath.Join(b.work, "sdk")
	return dir, os.CopyFS(dir, from)
}
