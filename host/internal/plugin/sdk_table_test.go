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

// tableGuests is the environment variable for a directory with guests: LANGUAGE.wasm is the echo of a language, and
// LANGUAGE-chat.wasm its chat, if there is one. "make sdk-table" builds them. The table goes to sdk/README.md.
const tableGuests = "AZUHOST_SDK_TABLE"

const (
	tableFile  = "../../../sdk/README.md"
	tableBegin = "<!-- make sdk-table writes from here -->\n"
	tableEnd   = "<!-- to here -->\n"
	tableHead  = "| Language | Size of echo | Start of an instance | Memory of an instance | An echo | " +
		"A chat message, JSON |\n|---|---|---|---|---|---|\n"
	chatMessage = `{"type":"message","room":"general",` +
		`"text":"Shall we meet at the station at half past seven? Bring a friend."}`
	echoBytes         = 128
	minMeasurement    = 300 * time.Millisecond
	measurementRounds = 5
)

// tableLanguages are the names of the guests and of the languages in the table.
var tableLanguages = [][2]string{
	{"rust", "Rust"}, {"c", "C"}, {"cpp", "C++"}, {"zig", "Zig"}, {"assemblyscript", "AssemblyScript"},
	{"go", "Go"}, {"js", "TypeScript"}, {"wat", "WAT"},
}

// chatEnv is the Env of a host with one room.
type chatEnv struct{ quietEnv }

func (*chatEnv) AppendRooms(dst []byte, _ uint64) ([]byte, error) {
	return append(dst, "general"...), nil
}
func (*chatEnv) AppendUser(dst []byte, _ uint64) ([]byte, error) { return append(dst, "alice"...), nil }
func (*chatEnv) Now() time.Time                                  { return time.Now() }
func (*chatEnv) Log(abi.Level, []byte)                           {}
func (*chatEnv) Fail([]byte)                                     {}

// TestSDKTable measures guests of all SDKs, and writes the table.
func TestSDKTable(t *testing.T) {
	dir := os.Getenv(tableGuests)
	if dir == "" {
		t.Skip("make sdk-table")
	}
	table := tableHead
	for _, l := range tableLanguages {
		table += tableRow(t, dir, l[0], l[1])
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
	if err := os.WriteFile(tableFile, []byte(before+tableBegin+table+tableEnd+after), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table)
}

// tableRow returns the row of a language. It is empty if the directory does not have the language's echo.
func tableRow(t *testing.T, dir, guest, language string) string {
	code, err := os.ReadFile(filepath.Join(dir, guest+".wasm"))
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	message := func(data []byte) *Event {
		return &Event{Hook: abi.OnMessage, Conn: 7, Data: data, Arg: int32(abi.Text)}
	}
	start, memory := measureStart(t, code)
	echo := formatTime(measureHook(t, code, message(bytes.Repeat([]byte("x"), echoBytes))))
	chat := "–"
	if code, err := os.ReadFile(filepath.Join(dir, guest+"-chat.wasm")); err == nil {
		chat = formatTime(measureHook(t, code, message([]byte(chatMessage))))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n",
		language, formatSize(len(code)), formatTime(start), formatSize(int(memory)), echo, chat)
}

// measureStart returns the shortest time of the start of an instance, and the size of its linear memory.
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

// measureHook returns the mean time of a hook in the best of several rounds.
func measureHook(t *testing.T, code []byte, ev *Event) time.Duration {
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

// formatTime returns a time with two significant digits.
func formatTime(d time.Duration) string {
	ns := float64(d.Nanoseconds())
	switch {
	case ns >= 1e6:
		return digits(ns/1e6) + " ms"
	case ns >= 1e4:
		return digits(ns/1e3) + " µs"
	}
	return digits(ns) + " ns"
}

// formatSize returns a number of bytes with two significant digits, or exactly if it is small.
func formatSize(n int) string {
	if n < 10_000 {
		return strconv.Itoa(n) + " B"
	}
	if n < 1<<20 {
		return digits(float64(n)/(1<<10)) + " KiB"
	}
	return digits(float64(n)/(1<<20)) + " MiB"
}

// digits returns a number with two significant digits.
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
