package plugin

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// tableGuests names a folder with LANGUAGE.wasm, the echo, and where there is one
// LANGUAGE-chat.wasm: make sdk-table. The table goes to sdk/README.md.
const tableGuests = "AZUHOST_SDK_TABLE"

const (
	tableFile         = "../../../sdk/README.md"
	tableBegin        = "<!-- make sdk-table writes from here -->\n"
	tableEnd          = "<!-- to here -->\n"
	tableHead         = "| Language | Size of echo | Start of an instance | Memory of an instance | An echo | A chat message, JSON |\n|---|---|---|---|---|---|\n"
	chatMessage       = `{"type":"message","room":"general","text":"Shall we meet at the station at half past seven? Bring a friend."}`
	echoBytes         = 128
	minMeasurement    = 300 * time.Millisecond
	measurementRounds = 5
)

var tableLanguages = [][2]string{
	{"rust", "Rust"}, {"c", "C"}, {"cpp", "C++"}, {"zig", "Zig"}, {"assemblyscript", "AssemblyScript"}, {"go", "Go"}, {"js", "TypeScript"}, {"wat", "WAT"},
}

// chatEnv is a host with one room.
type chatEnv struct{ quietEnv }

func (*chatEnv) AppendRooms(dst []byte, _ uint64) ([]byte, error) {
	return append(dst, "general"...), nil
}
func (*chatEnv) AppendUser(dst []byte, _ uint64) ([]byte, error) { return append(dst, "alice"...), nil }
func (*chatEnv) Now() time.Time                                  { return time.Now() }
func (*chatEnv) Log(abi.Level, []byte)                           {}
func (*chatEnv) Fail([]byte)                                     {}
func (e *chatEnv) Commit() error                                 { e.committed++; return nil }
func (e *chatEnv) Drop()                                         {}

// TestSDKTable measures what the SDKs make, and writes it down.
func TestSDKTable(t *testing.T) {
	dir := os.Getenv(tableGuests)
	if dir == "" {
		t.Skip("make sdk-table")
	}
	var rows strings.Builder
	for _, l := range tableLanguages {
		code, err := os.ReadFile(filepath.Join(dir, l[0]+".wasm"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		start, memory := measureStart(t, code)
		echo := measure(t, code, &Event{Hook: abi.OnMessage, Conn: 7, Data: bytes.Repeat([]byte("x"), echoBytes), Arg: int32(abi.Text)})
		message := "–"
		if code, err := os.ReadFile(filepath.Join(dir, l[0]+"-chat.wasm")); err == nil {
			message = took(measure(t, code, &Event{Hook: abi.OnMessage, Conn: 7, Data: []byte(chatMessage), Arg: int32(abi.Text)}))
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %s |\n", l[1], size(len(code)), took(start), size(int(memory)), took(echo), message)
	}
	page, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the lines that the table goes between", tableFile)
	}
	if err := os.WriteFile(tableFile, []byte(before+tableBegin+tableHead+rows.String()+tableEnd+after), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + tableHead + rows.String())
}

// measureStart is the time to make an instance, and the linear memory that it has.
func measureStart(t *testing.T, code []byte) (best time.Duration, memory uint32) {
	p := newPlugin(t, Options{NewEnv: func() Env { return &chatEnv{} }}, code)
	v, inst, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.release(v, inst)
	best = time.Hour
	for range 50 {
		begin := time.Now()
		i, err := v.start(nil)
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(begin))
		memory = i.mod.Memory().Size()
		i.close()
	}
	return best, memory
}

// measure is the best mean time of a hook.
func measure(t *testing.T, code []byte, ev *Event) time.Duration {
	p := newPlugin(t, Options{Metering: Fuel, NewEnv: func() Env { return &chatEnv{} }}, code)
	env := &chatEnv{}
	best := time.Hour
	for range measurementRounds {
		begin, n := time.Now(), 0
		for ; time.Since(begin) < minMeasurement; n++ {
			if err := p.Run(context.Background(), ev, env); err != nil {
				t.Fatal(err)
			}
		}
		best = min(best, time.Since(begin)/time.Duration(n))
	}
	if env.sent == 0 {
		t.Fatal("nothing was sent")
	}
	return best
}

// took is a time with two digits that count.
func took(d time.Duration) string {
	ns := float64(d.Nanoseconds())
	switch {
	case ns >= 1e6:
		return digits(ns/1e6) + " ms"
	case ns >= 1e4:
		return digits(ns/1e3) + " µs"
	}
	return digits(ns) + " ns"
}

func size(n int) string {
	if n < 10_000 {
		return strconv.Itoa(n) + " B"
	}
	if n < 1<<20 {
		return digits(float64(n)/(1<<10)) + " KiB"
	}
	return digits(float64(n)/(1<<20)) + " MiB"
}

// digits rounds to two of them, or to none behind the point.
func digits(x float64) string {
	if x < 10 {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	p := 1.0
	for x/p >= 100 {
		p *= 10
	}
	return strconv.Itoa(int(x/p+0.5) * int(p))
}
