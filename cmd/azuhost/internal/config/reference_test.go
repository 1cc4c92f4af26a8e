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

// TestReference holds the tables of docs/CONFIG.md against the structs: each
// stands between a pair of marks. go test -update writes them.
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
		{"top", keysWhere(func(k Key) bool { return !strings.HasPrefix(k.Name, "defaults.") })},
		{"route", keysWhere(func(k Key) bool { return strings.HasPrefix(k.Name, "defaults.") })},
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
		t.Error("docs/CONFIG.md is not what the code says; write it anew with: go test ./cmd/azuhost/internal/config -run TestReference -update")
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
		fmt.Fprintf(&b, "| %s<br>%s | %s | %s | %s |\n", code(strings.TrimPrefix(k.Name, "defaults.")), k.Type, code(k.Default), doc, strings.Join(ways, "<br>"))
	}
	return b.String()
}

func code(words ...string) string {
	return "`" + strings.Join(words, "`, `") + "`"
}

func escape(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`).Replace(s) }
