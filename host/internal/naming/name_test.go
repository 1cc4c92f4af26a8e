package naming

import (
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

func TestValid(t *testing.T) {
	long := strings.Repeat("n", abi.MaxName)
	for _, s := range []string{"a", long, "é", "with space", "a/b", "日本語", "0", "\u00a0"} {
		if !Valid(s) || !Valid([]byte(s)) {
			t.Errorf("%q is not valid", s)
		}
	}
	for _, s := range []string{
		"", long + "n", strings.Repeat("é", 128), "a\x00", "a\nb", "\x7f", "\u0085", "\u2028", "\u2029", "\xff", "a\xc3",
		"\xed\xa0\x80",
	} {
		if Valid(s) || Valid([]byte(s)) {
			t.Errorf("%q is valid", s)
		}
	}
}

func TestValidMetric(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "_": true, "a1_B": true, strings.Repeat("a", 100): true,
		"": false, "1a": false, "a-b": false, "é": false, "a b": false, strings.Repeat("a", 101): false,
	} {
		if ValidMetric(s) != want {
			t.Errorf("%q is valid: %v, want %v", s, !want, want)
		}
	}
}

func TestNode(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "0": true, "a-b": true, strings.Repeat("a", 63): true,
		"": false, "-a": false, "a-": false, "A": false, "a.b": false, strings.Repeat("a", 64): false,
	} {
		if ValidNode(s) != want {
			t.Errorf("%q is valid: %v, want %v", s, !want, want)
		}
	}
	a, b := NewNode(), NewNode()
	if !ValidNode(a) || !ValidNode(b) || a == b {
		t.Errorf("made %q and %q", a, b)
	}
}
