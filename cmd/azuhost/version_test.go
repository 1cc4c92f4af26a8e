package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersion: values that the linker sets override the build information of the Go command.
func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{
		Main: debug.Module{Version: "v0.1.0"},
		Deps: []*debug.Module{{Path: "github.com/tetratelabs/wazero", Version: "v1.12.0"}},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "25091d6"},
			{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
	b := build{Go: "go1.26.0", Platform: "linux/amd64", ABI: 1}
	b.fill(info)
	var text strings.Builder
	b.print(&text)
	want := "azuhost v0.1.0 (ABI v1, go1.26.0, wazero v1.12.0, linux/amd64)\n" +
		"commit 25091d6 of 2026-01-02T03:04:05Z, modified\n"
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}

	version, commit, date = "1.2.3", "abcdef0", "2026-02-03T04:05:06Z"
	defer func() { version, commit, date = "", "", "" }()
	b = readBuild()
	if b.Version != "1.2.3" || b.Revision != "abcdef0" || b.Time != "2026-02-03T04:05:06Z" || b.Modified {
		t.Errorf("got %+v", b)
	}
}
