package frame_test

import (
	"bytes"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/frame/frametest"
)

func TestFrameLengths(t *testing.T) {
	for n, head := range map[int]int{0: 2, 1: 2, 125: 2, 126: 4, 127: 4, 65535: 4, 65536: 10, 70000: 10} {
		payload := bytes.Repeat([]byte{'x'}, n)
		f := frame.Append([]byte("before"), abi.Binary, payload)[len("before"):]
		if len(f) != head+n {
			t.Errorf("%d bytes: the frame has %d, want %d", n, len(f), head+n)
		}
		if got := frame.Len(append(f, "behind"...)); got != len(f) {
			t.Errorf("%d bytes: Len is %d, want %d", n, got, len(f))
		}
		if got := frame.Payload(f); !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: Payload has %d", n, len(got))
		}
		got := frametest.Decode(t, f)
		if len(got) != 1 || got[0].Opcode != 2 || !bytes.Equal(got[0].Payload, payload) {
			t.Errorf("%d bytes: decoded to another frame", n)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("a"), uint16(1), true)
	f.Add([]byte{}, uint16(126), false)
	f.Add([]byte("xyz"), uint16(65535), true)
	f.Fuzz(func(t *testing.T, p []byte, times uint16, isText bool) {
		kind := abi.Binary
		if isText {
			kind = abi.Text
		}
		long := bytes.Repeat(p, int(times)%2000)
		var b []byte
		want := [][]byte{p, long, nil, p}
		for _, w := range want {
			b = frame.Append(b, kind, w)
		}
		n := 0
		for rest := b; len(rest) > 0; rest = rest[frame.Len(rest):] {
			n++
		}
		if n != len(want) {
			t.Fatalf("Len divides the bytes into %d frames, want %d", n, len(want))
		}
		for i, d := range frametest.Decode(t, b) {
			if d.Opcode != byte(kind) || !bytes.Equal(d.Payload, want[i]) {
				t.Fatalf("frame %d is another one", i)
			}
		}
	})
}
