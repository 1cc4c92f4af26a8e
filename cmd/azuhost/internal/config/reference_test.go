package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/CONFIG.md")

const reference = "../../../../docs/CONFIG.md"

// TestReference compares the tables of docs/CONFIG.md to the schema. Each table is between a pair of marks. With
// -update it writes the tables.
func TestReference(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, s := range []struct {
		mark string
		keys []Key
	}{
		{"top", keysWhere(func(k Key) bool { return !strings.HasPrefix(k.Name, defaultsPrefix) })},
		{"route", keysWhere(func(k Key) bool { return strings.HasPrefix(k.Name, defaultsPrefix) })},
	} {
		begin, end := "<!-- keys: "+s.mark+" -->\n", "<!-- end of keys: "+s.mark+" -->"
		before, rest, ok := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("docs/CONFIG.md has no marks %q and %q", begin, end)
		}
		text = before + begin + "\n" + table(s.keys) + "\n" + end + after
	}
	if *update {
		if err := os.WriteFile(reference, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(data) {
		t.Error("docs/CONFIG.md differs from the schema: " +
			"run go test ./cmd/azuhost/internal/config -run TestReference -update")
	}
}

// TestDocsAreOfKeys finds entries of docs for keys that do not exist.
func TestDocsAreOfKeys(t *testing.T) {
	names := map[string]bool{}
	for _, k := range Keys() {
		names[k.Name] = true
	}
	for name := range docs {
		if !names[name] {
			t.Errorf("docs has a text for %q, which is no key", name)
		}
	}
}

func keysWhere(want func(Key) bool) []Key {
	var out []Key
	for _, k := range Keys() {
		if want(k) {
			out = append(out, k)
		}
	}
	return out
}

func table(keys []Key) string {
	var b strings.Builder
	b.WriteString("| key | default | what it does | variable and flag |\n|---|---|---|---|\n")
	for _, k := range keys {
		doc := escape(k.Doc)
		if len(k.OneOf) > 0 {
			doc = "One of " + code(k.OneOf...) + ". " + doc
		}
		if k.Restart {
			doc += " *A change needs a restart.*"
		}
		var ways []string
		if k.Env != "" {
			ways = append(ways, code(k.Env))
		}
		if k.Flag != "" {
			ways = append(ways, code("--"+k.Flag))
		}
		name := strings.TrimPrefix(k.Name, defaultsPrefix)
		fmt.Fprintf(&b, "| %s<br>%s | %s | %s | %s |\n",
			code(name), k.Type, code(k.Default), doc, strings.Join(ways, "<br>"))
	}
	return b.String()
}

func code(words ...string) string {
	return "`" + strings.Join(words, "`, `") + "`"
}

func escape(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`).Replace(s) }
