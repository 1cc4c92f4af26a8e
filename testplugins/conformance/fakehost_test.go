package conformance

import "testing"

// fakeHosts are the fake hosts with which SDKs test channels natively. skipped has the behaviors that a fake host does
// not have by design, with the reason.
var fakeHosts = []struct {
	name    string
	open    opener
	skipped map[string]string
}{
	{"azutest", openAzutest, map[string]string{
		"a value over the limit": "azutest does not have the limits that an operator sets",
	}},
}

// TestFakeHosts runs every behavior on the fake hosts, with the native guests of their languages.
func TestFakeHosts(t *testing.T) {
	names := map[string]bool{}
	for _, e := range exchanges {
		names[e.name] = true
	}
	for _, b := range behaviors {
		names[b.name] = true
	}
	for _, f := range fakeHosts {
		t.Run(f.name, func(t *testing.T) {
			for name := range f.skipped {
				if !names[name] {
					t.Errorf("there is no behavior %q to skip", name)
				}
			}
			t.Run("a config that fails", func(t *testing.T) { testFailingConfig(t, f.open) })
			t.Run("exchanges", func(t *testing.T) { runExchanges(t, f.open, f.skipped) })
			runBehaviors(t, f.open, f.skipped)
		})
	}
}
