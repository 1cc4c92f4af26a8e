package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesOfTheRepository: the config files of the repository have no mistakes. The plugins that they name may not be
// built yet.
func TestFilesOfTheRepository(t *testing.T) {
	const root = "../../../.."
	for _, name := range []string{"plugins/azuhost.yaml", "bench/azuhost.yaml", "bench/azuhost-go.yaml"} {
		c, err := Load(Source{File: filepath.Join(root, name)})
		var probs Problems
		if err != nil && !errors.As(err, &probs) {
			t.Fatal(err)
		}
		for _, p := range probs {
			if !strings.HasSuffix(p.Text, "does not exist") {
				t.Error(p)
			}
		}
		if len(c.Routes) < 2 {
			t.Errorf("%s has %d routes", name, len(c.Routes))
		}
		for _, r := range c.Routes {
			if !strings.Contains(string(r.Plugin), "build") {
				continue
			}
			source := strings.TrimSuffix(filepath.Base(string(r.Plugin)), ".wasm")
			if _, err := os.Stat(filepath.Join(root, "plugins", source)); err != nil {
				t.Errorf("%s: %s has no source in plugins/%s", name, r.Plugin, source)
			}
		}
	}
}

// TestExampleOfTheReference: the example in docs/CONFIG.md is a valid config file.
func TestExampleOfTheReference(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/CONFIG.md has no example")
	}
	c := Default()
	if probs := decodeFile(c, "azuhost.yaml", []byte(text), func() {}); len(probs) > 0 {
		t.Error(probs)
	}
	if len(c.Routes) != 2 || c.Routes[1].Limits.MaxMessage != 16*kib {
		t.Errorf("%+v", c.Routes)
	}
}
