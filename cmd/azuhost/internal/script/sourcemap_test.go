package script

import "testing"

func TestSourceMap(t *testing.T) {
	// Two lines of a.ts, then one of the SDK. The numbers of a segment are relative to those of the segment before.
	const in = `{"version":3,"sources":["a.ts","azuhost:room.ts"],"mappings":"AAEA,SAAS;;ICAT"}`
	m, err := parseSourceMap([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line, column int
		want         string
	}{
		{1, 1, "a.ts:3"}, {1, 20, "a.ts:3"}, {2, 1, ""}, {3, 1, ""}, {3, 5, "azuhost/room.ts:3"}, {0, 1, ""}, {9, 1, ""},
	} {
		if got, _ := m.origin(c.line, c.column); got != c.want {
			t.Errorf("%d:%d comes from %q, want %q", c.line, c.column, got, c.want)
		}
	}
	got := m.mapStack("Error: x\n    at f (plugin.js:1:1)\n    at g (plugin.js:3:9)\n    at h (plugin.js:9:9)\n")
	if want := "Error: x\n    at f (a.ts:3)"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzSourceMap: malformed source maps, and positions out of range, do not panic.
func FuzzSourceMap(f *testing.F) {
	f.Add([]byte(`{"sources":["a"],"mappings":"AAEA,SAAS;;ICAT"}`))
	f.Add([]byte(`{"sources":[],"mappings":"gggggggggggggggggggB"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := parseSourceMap(data); err == nil {
			m.encode()
			m.mapStack("at f (plugin.js:1:1)")
			m.mapStack("at f (plugin.js:99999999999999999999:1)")
		}
	})
}
