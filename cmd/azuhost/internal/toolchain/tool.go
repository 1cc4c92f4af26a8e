package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Tool is a program that a language needs.
type Tool struct {
	Name string
	// Hint says how to install it.
	Hint string

	programs  []string                // names; the first that is found is used
	npm       bool                    // can be in node_modules/.bin
	installed func(env []string) bool // instead of programs, for a tool that is not a program
}

// MissingToolError is the error of a tool that is not found.
type MissingToolError struct {
	Language string
	Tool     Tool
}

func (m *MissingToolError) Error() string {
	return fmt.Sprintf("%s needs %s, which is not found here: %s", m.Language, m.Tool.Name, m.Tool.Hint)
}

var (
	goTool = Tool{Name: "Go 1.26 or later", programs: []string{"go"}, Hint: "https://go.dev/dl/"}

	tinyGoTool = Tool{
		Name: "TinyGo", programs: []string{"tinygo"},
		Hint: "https://tinygo.org/getting-started/install/",
	}
	cargoTool = Tool{
		Name: "cargo", programs: []string{"cargo"},
		Hint: "https://rustup.rs, or apt-get install cargo",
	}
	rustTarget = Tool{
		Name: "Rust's target " + rustTriple, installed: hasRustTarget,
		Hint: "rustup target add " + rustTriple + ", or for Debian's Rust apt-get install libstd-rust-dev-wasm32 lld",
	}
	clangTool = Tool{
		Name:     "clang with the target wasm32",
		programs: []string{"clang-19", "clang-20", "clang-18", "clang-17", "clang"},
		Hint:     "apt-get install clang-19, or brew install llvm",
	}
	lldTool = Tool{
		Name:     "wasm-ld",
		programs: []string{"wasm-ld-19", "wasm-ld-20", "wasm-ld-18", "wasm-ld-17", "wasm-ld"},
		Hint:     "apt-get install lld-19, or brew install lld",
	}
	zigTool = Tool{
		Name: "Zig", programs: []string{"zig", "python-zig"},
		Hint: "https://ziglang.org/download/, or pip install ziglang",
	}
	ascTool = Tool{
		Name: "asc, the compiler of AssemblyScript", programs: []string{"asc"}, npm: true,
		Hint: "npm install --save-dev assemblyscript, in the folder of the sources",
	}
	watTool = Tool{
		Name: "wat2wasm", programs: []string{"wat2wasm", "wasm-tools"},
		Hint: "apt-get install wabt, or brew install wabt",
	}
	optTool = Tool{Name: "wasm-opt", programs: []string{"wasm-opt"}, Hint: "apt-get install binaryen"}
)

// find returns the file of the tool's program, for sources in dir. A tool that is not a program has no file.
func (t Tool) find(env []string, dir string) (file string, ok bool) {
	if t.installed != nil {
		return "", t.installed(env)
	}
	if t.npm {
		if abs, err := filepath.Abs(dir); err == nil {
			for _, p := range t.programs {
				file := filepath.Join("node_modules", ".bin", p)
				if file = filepath.Join(findUp(abs, file), file); exists(file) {
					return file, true
				}
			}
		}
	}
	for _, p := range t.programs {
		if file, ok := lookPath(p, env); ok {
			return file, true
		}
	}
	return "", false
}

// lookPath is exec.LookPath with the PATH of env.
func lookPath(name string, env []string) (string, bool) {
	for _, dir := range filepath.SplitList(getenv(env, "PATH")) {
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(file) {
			return file, true
		}
	}
	return "", false
}

// getenv returns the last value of a variable in env.
func getenv(env []string, name string) (value string) {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// requireTool returns the file of a tool, or a *MissingToolError.
func (b *builder) requireTool(t Tool) (string, error) {
	if file, ok := t.find(b.Env, b.dir); ok {
		return file, nil
	}
	return "", &MissingToolError{b.lang.Title, t}
}

// run runs a tool in the folder of the sources, and returns its standard output. If the tool fails, the error is a
// *SourceError with its output.
func (b *builder) run(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.dir
	cmd.Env = append(append([]string(nil), b.Env...), env...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			fmt.Fprintln(b.Console, text)
		}
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	text := strings.TrimSpace(stderr.String())
	if text == "" {
		text = strings.TrimSpace(stdout.String())
	}
	if text == "" {
		text = fmt.Sprintf("%s %s: %v", filepath.Base(name), strings.Join(args, " "), err)
	}
	return nil, &SourceError{Text: text}
}

// features are the features beyond WebAssembly 1.0 that wazero supports. With --all-features, wasm-opt would use
// others, too.
var features = []string{
	"--enable-bulk-memory", "--enable-sign-ext", "--enable-nontrapping-float-to-int", "--enable-mutable-globals",
	"--enable-reference-types", "--enable-multivalue", "--enable-simd",
}

// shrink runs wasm-opt, if it is found, and returns how many bytes it saved.
func (b *builder) shrink(ctx context.Context) (saved int64, err error) {
	opt, ok := optTool.find(b.Env, b.dir)
	if !ok {
		return 0, nil
	}
	before, err := os.Stat(b.out)
	if err != nil {
		return 0, err
	}
	small := filepath.Join(b.work, "small.wasm")
	if _, err := b.run(ctx, nil, opt, append(append([]string{"-Os"}, features...), b.out, "-o", small)...); err != nil {
		b.warnings = append(b.warnings, "wasm-opt failed: "+err.Error())
		return 0, ctx.Err()
	}
	after, err := os.Stat(small)
	if err != nil || after.Size() >= before.Size() {
		return 0, err
	}
	return before.Size() - after.Size(), os.Rename(small, b.out)
}
