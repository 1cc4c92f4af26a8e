package plugin

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// TestGuestsAreBuilt: the modules in testplugins are built from their sources.
func TestGuestsAreBuilt(t *testing.T) {
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is not installed (Debian: wabt)")
	}
	for _, name := range []string{"bounce", "counter", "faults", "forward", "pull"} {
		out := filepath.Join(t.TempDir(), name+".wasm")
		source := filepath.Join("..", "..", "..", "testplugins", name+".wat")
		if msg, err := exec.Command(tool, source, "-o", out).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, msg)
			continue
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, guest(t, name)) {
			t.Errorf("testplugins/%s.wasm is not built from its source: run wat2wasm", name)
		}
	}
}

const goGuest = `package main

import (
	"fmt"
	"os"
	"time"
	"unsafe"
)

//go:wasmimport azu send
func send(conn int64, kind int32, ptr unsafe.Pointer, n int32) int32

var inbox [4096]byte

//go:wasmexport azu_v1
func azuV1() int64 {
	return int64(uintptr(unsafe.Pointer(&inbox)))<<32 | int64(len(inbox))
}

//go:wasmexport on_message
func onMessage(conn int64, n, kind int32) int32 {
	switch string(inbox[:n]) {
	case "panic":
		panic("as asked")
	case "sleep":
		time.Sleep(5 * time.Millisecond)
	case "print":
		fmt.Println("printed", len(os.Args), os.Getenv("HOME") == "")
	case "file":
		if _, err := os.ReadFile("/etc/hostname"); err == nil {
			return 1
		}
	}
	return send(conn, kind, unsafe.Pointer(&inbox), n)
}

func main() {}
`

// buildGo compiles a guest in Go, without the SDK.
func buildGo(t testing.TB) []byte {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not installed")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"main.go": goGuest, "go.mod": "module guest\n\ngo 1.24\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tool, "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", "guest.wasm", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off", "GOFLAGS=", "GOTOOLCHAIN=local")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	wasm, err := os.ReadFile(filepath.Join(dir, "guest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func TestGoGuest(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Go program; left out with -short")
	}
	wasm := buildGo(t)
	var out bytes.Buffer
	p := newPlugin(t, Options{
		Log:      textLog(&out),
		CacheDir: filepath.Join(t.TempDir(), "cache"),
		Deadline: 5 * time.Second,
	}, nil)
	begun := time.Now()
	mustLoad(t, p, wasm)
	t.Logf("%d bytes, loaded in %s", len(wasm), time.Since(begun))

	echo := func(text string) {
		t.Helper()
		env := &fakeEnv{}
		if err := message(p, env, text); err != nil {
			t.Fatal(err)
		}
		if want := `Send 7 text "` + text + `"`; env.log() != want {
			t.Errorf("got %s, want %s", env.log(), want)
		}
	}
	echo("hello")
	echo("sleep")
	echo("file")
	echo("print")
	if !bytes.Contains(out.Bytes(), []byte(`msg="printed 0 true" source=guest`)) {
		t.Errorf("logged: %s", out.Bytes())
	}
	out.Reset()
	// Go's runtime ends with proc_exit, or traps while it prints its stack trace.
	var f *Fault
	if err := message(p, &fakeEnv{}, "panic"); !errors.As(err, &f) || f.Reason != Exited && f.Reason != Trap {
		t.Errorf("a panic of the guest: %v", err)
	}
	if !bytes.Contains(out.Bytes(), []byte("panic: as asked")) {
		t.Errorf("logged: %s", out.Bytes())
	}
	echo("again")

	info, err := Inspect(t.Context(), wasm)
	if err != nil || info.Problem != "" {
		t.Errorf("%+v, %v", info, err)
	}
	begun = time.Now()
	v, inst, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.release(v, inst)
	another, err := v.start(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("another instance after %s", time.Since(begun))
	another.close()
}

// BenchmarkGoGuestEcho is BenchmarkEcho with a guest in Go.
func BenchmarkGoGuestEcho(b *testing.B) {
	p := newPlugin(b, Options{Metering: Off}, buildGo(b))
	ctx, env := context.Background(), &quietEnv{}
	ev := Event{Hook: abi.OnMessage, Conn: 7, Data: bytes.Repeat([]byte("x"), 128), Arg: 1}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Run(ctx, &ev, env); err != nil {
			b.Fatal(err)
		}
	}
}
