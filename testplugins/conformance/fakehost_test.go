package conformance

import "testing"

// fakeHosts are the fake hosts with which SDKs test channels natively. skipped has the behaviors that a fake host does
// not have by design, with the reason.
var fakeHosts = []struct {
	name    string
	opener  func(t *testing.T) opener
	skipped map[string]string
}{
	{"azutest", func(*testing.T) opener { return openAzutest }, map[string]string{
		"a value over the limit": "azutest does not have the limits that an operator sets",
	}},
	{"rust", rustFakeHost, map[string]string{
		"a value over the limit": "testing::Host does not have the limits that an operator sets",
		"closed in on_connect":   "Host::connect returns the code of refuse_close, and no connection to read from",
		"on_presence":            "testing::Host runs on_presence for Host::presence only",
		"claims of a token":      "testing::Host verifies no tokens",
		"metrics":                "testing::Host keeps no metrics; it checks their arguments",
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
			open := f.opener(t)
			t.Run("a config that fails", func(t *testing.T) { testFailingConfig(t, open) })
			t.Run("exchanges", func(t *testing.T) { runExchanges(t, open, f.skipped) })
			runBehaviors(t, open, f.skipped)
		})
	}
}
