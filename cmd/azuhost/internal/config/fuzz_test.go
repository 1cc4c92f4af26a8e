package config

import (
	"encoding/json"
	"errors"
	"testing"
)

// FuzzDecode: any file is decoded, or refused with problems that have a text. The config of decoded routes can be
// encoded as JSON.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "listen: :1", "routes:\n  /a: {plugin: a.wasm, config: {x: [1, null, .5]}}",
		"defaults: &d {limits: {timers: 1}}\nroutes: {/a: {<<: *d}}", "a: &a [*a]", "log: {level: [}", "? [a]: b",
		"x: !!binary aGk=", "- 1\n- 2", "ping_interval: 1h\n---\n", "config: |\n  x\n", "routes: &r\n  /a: *r",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Default()
		probs := decodeFile(c, "azuhost.yaml", data, func() {})
		err := append(probs, c.validate()...).sorted()
		var ps Problems
		if errors.As(err, &ps) {
			for _, p := range ps {
				if p.Text == "" {
					t.Error("a problem without text")
				}
			}
			return
		}
		for _, r := range c.Options().Routes {
			if _, err := json.Marshal(r.Config); err != nil {
				t.Error(err)
			}
		}
	})
}
