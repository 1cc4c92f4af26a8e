package hub

import (
	"bytes"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

func TestFrameLengths(t *testing.T) {
	for n, head := range map[int]int{0: 2, 1: 2, 125: 2, 126: 4, 127: 4, 65535: 4, 65536: 10, 70000: 10} {
		payload := bytes.Repeat([]byte{'x'}, n)
		f := AppendFrame([]byte("before"), abi.Binary, payload)[len("before"):]
		if len(f) != head+n {
			t.Errorf("%d bytes: the frame has %d, want %d", n, len(f), head+n)
		}
		if got := FrameLen(append(f, "behind"...)); got != len(f) {
			t.Errorf("%d bytes: FrameLen is %d, want %d", n, got, len(f))
		}
		got := decode(t, f)
		if len(got) != 1 || got[0].opcode != 2 || !bytes.Equal(got[0].payload, payload) {
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
			b = AppendFrame(b, kind, w)
		}
		if n := CountFrames(b); n != len(want) {
			t.Fatalf("CountFrames is %d, want %d", n, len(want))
		}
		for i, d := range decode(t, b) {
			if d.opcode != byte(kind) || !bytes.Equal(d.payload, want[i]) {
				t.Fatalf("frame %d is another one", i)
			}
		}
	})
}
