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

// The functions of this file build a plugin in one language each. The flags of the tools are those of the READMEs in
// sdk/.

func buildScript(ctx context.Context, b *builder) error {
	o := script.Options{Runtime: b.Runtime, Console: b.Console, Timeout: b.ScriptTimeout}
	p, err := script.Build(ctx, b.file, o)
	if source := (*script.SourceError)(nil); errors.As(err, &source) {
		b.inputs = source.Inputs
		return &SourceError{Text: source.Text}
	}
	if err != nil {
		return err
	}
	b.inputs, b.warnings = p.Inputs, p.Warnings
	return os.WriteFile(b.out, p.Wasm, 0o600)
}

var goEnv = []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}

func buildGo(ctx context.Context, b *builder) error {
	program, err := b.requireTool(goTool)
	if err != nil {
		return err
	}
	// Without -buildvcs=false, Go puts the commit into the plugin, and fails in a repository of another owner.
	_, err = b.run(ctx, goEnv, program, "build", "-buildvcs=false", "-buildmode=c-shared", "-trimpath",
		"-ldflags=-s -w", "-o", b.out, ".")
	return err
}

func buildTinyGo(ctx context.Context, b *builder) error {
	if _, err := b.requireTool(goTool); err != nil {
		return err
	}
	program, err := b.requireTool(tinyGoTool)
	if err != nil {
		return err
	}
	_, err = b.run(ctx, nil, program, "build", "-target=wasip1", "-buildmode=c-shared", "-opt=z", "-no-debug",
		"-o", b.out, ".")
	return err
}

const rustTriple = "wasm32-unknown-unknown"

// systemRust is Debian's compiler, which can have targets that one from rustup lacks.
const systemRust = "/usr/bin/rustc"

// hasRustTarget reports whether a compiler has the target.
func hasRustTarget(env []string) bool {
	_, ok := findRustc(env)
	return ok
}

// findRustc returns a compiler that has the target. Empty: the one that cargo uses by default.
func findRustc(env []string) (file string, ok bool) {
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
	cargo, err := b.requireTool(cargoTool)
	if err != nil {
		return err
	}
	compiler, ok := findRustc(b.Env)
	if !ok {
		return &MissingToolError{b.lang.Title, rustTarget}
	}
	var env []string
	if compiler != "" {
		cargo, env = filepath.Join(filepath.Dir(compiler), "cargo"), []string{"RUSTC=" + compiler}
	}
	out, err := b.run(ctx, env, cargo, "build", "--release", "--target", rustTriple,
		"--message-format=json-render-diagnostics")
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

// cargoOutput returns the file of the module. messages is the standard output of cargo, with a JSON object in each
// line.
func cargoOutput(messages []byte) (file string, err error) {
	lines := bufio.NewScanner(bytes.NewReader(messages))
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
		return "", &SourceError{Text: `cargo made no .wasm file: the crate needs [lib] crate-type = ["cdylib"]`}
	}
	return file, lines.Err()
}

func buildC(ctx context.Context, b *builder) error {
	clang, err := b.requireTool(clangTool)
	if err != nil {
		return err
	}
	if _, err := b.requireTool(lldTool); err != nil {
		return err
	}
	headers, err := b.writeSDK()
	if err != nil {
		return err
	}
	// -mbulk-memory: there is no libc with memset and memcpy, so clang has to use the instructions. --stack-first: the
	// stack is below the data, so that an overflow traps and does not overwrite globals.
	args := []string{
		"--target=wasm32", "-Os", "-mbulk-memory", "-nostdlib", "-ffreestanding",
		"-Wl,--no-entry,--stack-first,-z,stack-size=65536,--strip-all",
	}
	if b.lang.Name == "cpp" {
		args = append(args, "-std=c++20", "-fno-exceptions", "-fno-rtti")
	}
	// A copy of the SDK in the project takes precedence over the embedded one.
	for _, dir := range []string{b.dir, filepath.Join(b.dir, "azuhost"), headers} {
		args = append(args, "-I", dir)
	}
	_, err = b.run(ctx, nil, clang, append(args, "-o", b.out, b.file)...)
	return err
}

func buildZig(ctx context.Context, b *builder) error {
	zig, err := b.requireTool(zigTool)
	if err != nil {
		return err
	}
	module := filepath.Join(b.dir, "azuhost", "azuhost.zig")
	if !exists(module) {
		dir, err := b.writeSDK()
		if err != nil {
			return err
		}
		module = filepath.Join(dir, "azuhost.zig")
	}
	env := []string{"ZIG_LOCAL_CACHE_DIR=" + b.work}
	_, err = b.run(ctx, env, zig, "build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSmall",
		"-fno-entry", "-rdynamic", "-fstrip", "--stack", "65536",
		"--dep", "azuhost", "-Mroot="+b.file, "-Mazuhost="+module, "-femit-bin="+b.out)
	return err
}

func buildAssemblyScript(ctx context.Context, b *builder) error {
	asc, err := b.requireTool(ascTool)
	if err != nil {
		return err
	}
	args := []string{b.file, "--outFile", b.out, "--optimizeLevel", "3", "--shrinkLevel", "1", "--runtime", "minimal"}
	if exists(filepath.Join(b.dir, "asconfig.json")) { // has the other options
		args = []string{b.file, "--outFile", b.out, "--target", "release"}
	}
	_, err = b.run(ctx, nil, asc, args...)
	return err
}

func buildWAT(ctx context.Context, b *builder) error {
	program, err := b.requireTool(watTool)
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

// writeSDK writes the embedded SDK of the language to the work folder, for sources without a copy of it.
func (b *builder) writeSDK() (dir string, err error) {
	from, err := fs.Sub(sdk.Files, b.lang.SDK)
	if err != nil {
		return "", err
	}
	if _, err := fs.Stat(from, "."); err != nil {
		return "", fmt.Errorf("azuhost was built without the SDK for %s", b.lang.Title)
	}
	dir = filepath.Join(b.work, "sdk")
	return dir, os.CopyFS(dir, from)
}
