package plugin

import (
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// withManifest appends a manifest of less than 120 bytes to a module.
func withManifest(module []byte, manifest string) []byte {
	body := string(rune(len(abi.ManifestSection))) + abi.ManifestSection + manifest
	return append(slices.Clone(module), "\x00"+string(rune(len(body)))+body...)
}

func TestUses(t *testing.T) {
	info, err := Inspect(t.Context(), withManifest(guest(t, "rooms"), `{"optional":["broadcast","teleport"]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range info.Uses {
		got = append(got, string(u.Name))
		if u.Optional != (u.Name == "broadcast") {
			t.Errorf("%s: optional %v", u.Name, u.Optional)
		}
	}
	if !slices.Equal(got, []string{"broadcast", "rooms", "request"}) {
		t.Errorf("capabilities: %v", got)
	}
	if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "teleport") {
		t.Errorf("warnings: %q", info.Warnings)
	}
}

// TestDenied: a module that imports more than the route allows is refused, and the error names the import, the
// capability and the key of the configuration.
func TestDenied(t *testing.T) {
	for _, c := range []struct {
		allow []abi.Capability
		want  []string // parts of the error; nil: it loads
	}{
		{nil, nil},
		{[]abi.Capability{"all"}, nil},
		{[]abi.Capability{"send"}, nil},
		{[]abi.Capability{"rooms", "send", "store"}, nil},
		{[]abi.Capability{}, []string{"azu.send", "capability send", "allow"}},
		{[]abi.Capability{"broadcast"}, []string{"azu.send", "capability send", "allow"}},
	} {
		p := newPlugin(t, Options{Allow: c.allow}, nil)
		_, err := p.Load(t.Context(), guest(t, "echo"))
		if (err == nil) != (c.want == nil) {
			t.Errorf("with %v: %v", c.allow, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("with %v: %q is not in %v", c.allow, part, err)
			}
		}
	}
}

// TestOptionalReturnsPerm: a function of an optional capability that the route does not allow returns PERM.
func TestOptionalReturnsPerm(t *testing.T) {
	module := withManifest(guest(t, "echo"), `{"optional":["send"]}`)
	p := newPlugin(t, Options{Allow: []abi.Capability{}}, module)
	env := &fakeEnv{}
	err := message(p, env, "hello")
	hook, ok := err.(*HookError) // echo returns the result of send
	if !ok || hook.Code != int32(abi.Perm) {
		t.Errorf("got %v, want PERM", err)
	}
	p = newPlugin(t, Options{Allow: []abi.Capability{"send"}}, module)
	if err := message(p, env, "hello"); err != nil {
		t.Errorf("with the capability: %v", err)
	}
}

func TestManifests(t *testing.T) {
	for manifest, want := range map[string]string{
		`{}`:                      "",
		`{"optional":["all"]}`:    "",
		`{"optional":[]} `:        "",
		` `:                       "no manifest",
		`["send"]`:                "no manifest",
		`{"optional":"send"}`:     "no manifest",
		`{"needs":["send"]}`:      "no manifest",
		`{} {}`:                   "no manifest",
		"{\"optional\":[\"\xff\"": "no manifest",
	} {
		info, err := Inspect(t.Context(), withManifest(guest(t, "echo"), manifest))
		if err != nil || !strings.Contains(info.Problem, want) || want == "" && info.Problem != "" {
			t.Errorf("%q: %q, %v", manifest, info.Problem, err)
		}
	}
	twice := withManifest(withManifest(guest(t, "echo"), "{}"), "{}")
	if info, _ := Inspect(t.Context(), twice); !strings.Contains(info.Problem, "2 custom sections") {
		t.Errorf("two manifests: %q", info.Problem)
	}
}
