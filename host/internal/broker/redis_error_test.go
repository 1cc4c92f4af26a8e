package broker

import (
	"testing"
)

// TestErrorCode: the code of an error in a script is found in each version of Redis.
func TestErrorCode(t *testing.T) {
	const inScript = "ERR Error running script (call to f_0a): @user_script:"
	for text, want := range map[string]string{
		"":                               "",
		"ERR unknown command":            "ERR",
		"OOM command not allowed":        "OOM",
		"NOREPLICAS Not enough good":     "NOREPLICAS",
		"MISCONF Redis is configured to": "MISCONF",
		inScript + "21: @user_script: 21: -READONLY You can't write against a read only replica.": "READONLY",
		inScript + "21: -OOM command not allowed when used memory > 'maxmemory'.":                 "OOM",
		inScript + "3: attempt to compare nil with number":                                        "ERR",
	} {
		if got := errorCode(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
