package origin

import (
	"strings"
	"testing"
)

// TestCheckHost checks that patterns of hosts that never match are errors with a hint. The value is a part of the
// error; an empty one stands for no error.
func TestCheckHost(t *testing.T) {
	for pattern, text := range map[string]string{
		"chat.example.com": "", "Chat.Example.com": "", "*": "", "*.example.com": "", "::1": "", "127.0.0.1": "",
		"fe80::*": "", "[ab].example.com": "", "localhost": "",
		"https://chat.example.com":       `"chat.example.com"`,
		"chat.example.com:443":           `"chat.example.com"`,
		"chat.example.com/":              `"chat.example.com"`,
		"https://chat.example.com:443/x": `"chat.example.com"`,
		"[::1]":                          `"::1"`,
		"[::1]:4000":                     `"::1"`,
		"*:443":                          `write "*"`,
		"chat.example.com.":              `"chat.example.com"`,
		"a:b:c":                          "neither a name",
		"":                               "empty",
		"https://":                       "no name",
		":80":                            "no name",
		"a, b":                           "an entry for each",
		"a b":                            "white space",
		"[":                              "not closed",
		"a[":                             "not closed",
		"bücher.example":                 "xn--",
	} {
		wantError(t, pattern, CheckHost(pattern), text)
	}
}

// TestCheck checks that patterns of origins that never match are errors with a hint. The value is a part of the error;
// an empty one stands for no error.
func TestCheck(t *testing.T) {
	for pattern, text := range map[string]string{
		"https://app.example.com": "", "HTTPS://App.example.com": "", "*": "", "*.example.com": "", "https://*": "",
		"*://app.example.com": "", "app.example.com:8443": "", "http://localhost:3000": "", "localhost:*": "",
		"https://[::1]:8443": "", "[::1]": "", "https://app.example.com:80": "", "chrome-extension://abc": "",
		"https://a[bc].example.com":           "",
		"https://slash.com/":                  `"https://slash.com"`,
		"https://app.example.com/a/b":         `"https://app.example.com"`,
		"https://app.example.com:443":         "", // the default port
		"http://app.example.com:80":           "",
		"http://app.example.com:80/":          `"http://app.example.com"`,
		"wss://app.example.com":               `"https://app.example.com"`,
		"ws://localhost:3000/":                `"http://localhost:3000"`,
		"https://me@app.example.com":          `"https://app.example.com"`,
		"::1":                                 `"[::1]"`,
		"http://::1":                          `"http://[::1]"`,
		"app.example.com/":                    `"app.example.com"`,
		"app.example.com.":                    `"app.example.com"`,
		"app.example.com:x/[":                 "not closed",
		"app.example.com:x":                   "from 1 to 65535",
		"app.example.com:0":                   "from 1 to 65535",
		"https://app.example.com:70000":       "from 1 to 65535",
		"https://[::1]:*":                     "without *",
		"null":                                `"*"`,
		"file://":                             `"*"`,
		"":                                    "empty",
		"https://":                            "not an origin",
		"://app.example.com":                  "not an origin",
		"https://a.example,https://b.example": "an entry for each",
		"https://app.example.com ":            "white space",
	} {
		wantError(t, pattern, Check(pattern), text)
	}
}

// wantError expects an error that contains text, or none if text is empty.
func wantError(t *testing.T, pattern string, err error, text string) {
	t.Helper()
	if (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("%q: got %v, want %q", pattern, err, text)
	}
}
