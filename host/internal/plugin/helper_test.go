package plugin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// guest reads a module of testplugins.
func guest(t testing.TB, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join("..", "..", "..", "testplugins", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// newPlugin returns a Plugin, with a version if wasm is not nil. It closes the Plugin when the test ends, and fails the
// test if memory is not freed.
func newPlugin(t testing.TB, o Options, wasm []byte) *Plugin {
	t.Helper()
	if o.Deadline == 0 {
		o.Deadline = 10 * time.Second // a busy machine misses shorter ones
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if n := p.alloc.regions.Load(); n != 0 {
			t.Errorf("%d memories are not freed", n)
		}
		if s := p.Stats(); s != (Stats{}) {
			t.Errorf("the stats after Close are %+v", s)
		}
	})
	if wasm != nil {
		mustLoad(t, p, wasm)
	}
	return p
}

func mustLoad(t testing.TB, p *Plugin, wasm []byte) string {
	t.Helper()
	id, err := p.Load(context.Background(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// message runs on_message for connection 7.
func message(p *Plugin, env Env, text string) error {
	ev := Event{Hook: abi.OnMessage, Conn: 7, Data: []byte(text), Arg: int32(abi.Text)}
	return p.Run(context.Background(), &ev, env)
}

func wantFault(t testing.TB, err error, reason FaultReason) *Fault {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("got error %v, want a fault by %s", err, reason)
	}
	if f.Reason != reason {
		t.Fatalf("got reason %s, want %s: %v", f.Reason, reason, err)
	}
	return f
}

// variant returns another version of counter, whose text is name.
func variant(t testing.TB, name string) []byte {
	t.Helper()
	wasm := guest(t, "counter")
	if !bytes.Contains(wasm, []byte("VERSION0")) || len(name) != len("VERSION0") {
		t.Fatalf("counter cannot have the text %q", name)
	}
	return bytes.Replace(wasm, []byte("VERSION0"), []byte(name), 1)
}

// blockingEnv blocks in Send from the time when entered is closed until the test closes leave.
type blockingEnv struct {
	fakeEnv
	entered chan struct{}
	leave   chan struct{}
}

func newBlockingEnv() *blockingEnv {
	return &blockingEnv{entered: make(chan struct{}), leave: make(chan struct{})}
}

func (e *blockingEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	close(e.entered)
	<-e.leave
	return e.fakeEnv.Send(conn, kind, data)
}

// textLog returns a logger that writes lines without the time.
func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
