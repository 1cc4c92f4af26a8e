package script_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/scenario"
	"github.com/azuhost/azuhost/sdk"
)

// TestRawImports compares the raw imports of the SDK with the ABI.
func TestRawImports(t *testing.T) {
	data, err := fs.ReadFile(sdk.Files, "js/raw.ts")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, m := range regexp.MustCompile(`\("(\w+)"\);`).FindAllStringSubmatch(string(data), -1) {
		have = append(have, m[1])
	}
	want := []string{"utf8_encode", "utf8_decode", "random", "json_depth", "source_map"} // of the glue
	for _, im := range abi.Imports {
		if im.Name != "read" {
			want = append(want, im.Name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("raw.ts has %v, want %v", have, want)
	}
}

// TestHooks compares the hooks and the errors of the SDK with the ABI.
func TestHooks(t *testing.T) {
	start, _ := fs.ReadFile(sdk.Files, "js/start.ts")
	for _, h := range abi.Hooks {
		if !strings.Contains(string(start), "\n  "+h.Name+": [") {
			t.Errorf("start.ts does not have %s", h.Name)
		}
	}
	text, _ := fs.ReadFile(sdk.Files, "js/error.ts")
	var codes []string
	for e := abi.Invalid; e >= abi.Failed; e-- {
		codes = append(codes, `"`+e.Name()+`"`)
	}
	if want := "[" + strings.Join(codes, ", ") + "]"; !strings.Contains(string(text), want) {
		t.Errorf("error.ts does not have %s", want)
	}
}

// TestChatExample runs the scenario of plugins/chat with the chat in TypeScript.
func TestChatExample(t *testing.T) {
	p, err := buildFile(t, "../../../../sdk/js/examples/chat/chat.ts")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chat.wasm")
	if err := os.WriteFile(file, p.Wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	r := host.Route{Plugin: file}
	r.Limits.Deadline = patience
	scenario.Test(t, scenario.Options{Route: r}, "../../../../plugins/chat/chat.scenario")
}
