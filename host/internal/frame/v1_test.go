package frame_test

import (
	"slices"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/frame/frametest"
)

func text(s string) []byte { return frame.Append(nil, abi.Text, []byte(s)) }

func TestControlMessages(t *testing.T) {
	room, at := `a "b"`, frame.Position{Epoch: "e", Offset: 7}
	name := frame.RoomJSON(room)
	for _, tt := range []struct {
		f    []byte
		want []string
	}{
		{frame.AppendControl(nil, map[string]int{"id": 1}), []string{"\x1e" + `{"id":1}`}},
		{frame.Joined(room, at), []string{"\x1e" + `{"type":"joined","room":"a \"b\"","epoch":"e","offset":7}`}},
		{frame.Left(room), []string{"\x1e" + `{"type":"left","room":"a \"b\""}`}},
		{frame.AppendPosition(nil, name, at, false),
			[]string{"\x1e" + `{"type":"position","room":"a \"b\"","epoch":"e","offset":7}`}},
		{frame.AppendPosition(nil, name, at, true),
			[]string{"\x1e" + `{"type":"position","room":"a \"b\"","epoch":"e","offset":7,"skip":true}`}},
		{frame.AppendMissed(nil, room, at, text("\x1ex"), false),
			[]string{"\x1e" + `{"type":"position","missed":true,"room":"a \"b\"","epoch":"e","offset":7}`, "\x1e\x1ex"}},
		{frame.AppendMissed(nil, room, at, text("x"), true),
			[]string{"\x1e" + `{"type":"position","missed":true,"room":"a \"b\"","epoch":"e","offset":7,"skip":true}`}},
	} {
		var got []string
		for _, d := range frametest.Decode(t, tt.f) {
			got = append(got, string(d.Payload))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestRole(t *testing.T) {
	at := frame.Position{Epoch: "e", Offset: 7}
	name := frame.RoomJSON("r")
	for what, tt := range map[string]struct {
		f            []byte
		keep, paired bool
	}{
		"data":              {text("x"), false, false},
		"empty data":        {text(""), false, false},
		"escaped data":      {frame.AppendEscaped(nil, text("\x1e{}")), false, false},
		"binary data":       {frame.Append(nil, abi.Binary, []byte("\x1e{}")), false, false},
		"an answer":         {frame.AppendControl(nil, map[string]int{"id": 1}), true, false},
		"a position":        {frame.AppendPosition(nil, name, at, false), false, true},
		"a skipped one":     {frame.AppendPosition(nil, name, at, true), false, false},
		"a missed one":      {frame.AppendMissed(nil, "r", at, nil, false), true, true},
		"a missed one, too": {frame.AppendMissed(nil, "r", at, nil, true), true, false},
	} {
		if keep, paired := frame.Role(tt.f); keep != tt.keep || paired != tt.paired {
			t.Errorf("%s: keep %t and paired %t, want %t and %t", what, keep, paired, tt.keep, tt.paired)
		}
	}
}

func TestEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "x": "x", "\x1e": "\x1e\x1e", "\x1e{}": "\x1e\x1e{}", "x\x1e": "x\x1e",
	} {
		if got := frame.Escaped(text(in)); string(got) != string(text(want)) {
			t.Errorf("%q becomes %q, want %q", in, frame.Payload(got), want)
		}
	}
	f := frame.Append(nil, abi.Binary, []byte("\x1e"))
	if got := frame.Escaped(f); &got[0] != &f[0] {
		t.Error("a binary frame was copied")
	}
}

func TestCountData(t *testing.T) {
	p := frame.AppendControl(nil, map[string]int{"id": 1})
	p = frame.AppendEscaped(p, text("\x1e{}"))
	p = append(p, text("x")...)
	p = frame.Append(p, abi.Binary, []byte("\x1e{}"))
	if n := frame.CountData(p); n != 3 {
		t.Errorf("%d frames of data, want 3", n)
	}
}
