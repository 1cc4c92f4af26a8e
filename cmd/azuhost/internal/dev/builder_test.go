package dev

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// watching makes a builder of what is at path, which counts as built.
func watching(t *testing.T, path string, log io.Writer) *Builder {
	t.Helper()
	p := &Project{Path: path, Out: filepath.Join(t.TempDir(), "a.wasm"), Name: "a"}
	b, err := NewBuilder([]*Project{p}, toolchain.Options{}, NewConsole(log, slog.LevelInfo, false, &Events{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	p.changed, p.built = false, true
	return b
}

// quiet fails if what has happened until now is a change.
func quiet(t *testing.T, b *Builder, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*settle)
	defer cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s ended the wait: %v", what, err)
	}
	b.projects[0].changed = false
}

// changes fails if what has happened, or happens yet, is no change.
func changes(t *testing.T, b *Builder, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Wait(ctx); err != nil {
		t.Errorf("%s did not end the wait: %v", what, err)
	}
	b.projects[0].changed = false
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWaitsForSources: a change of a source ends Wait, and what is no source
// does not. Beside a file that is built there may be anything; in a project
// everything can be embedded but what is written there by tools.
func TestWaitsForSources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.ts")
	write(t, file, "x")
	b := watching(t, file, io.Discard)
	for _, name := range []string{"dev.log", "a.wasm", ".a.ts.swp", "a.ts~", "notes.pdf"} {
		write(t, filepath.Join(dir, name), "x")
	}
	quiet(t, b, "files that are no sources")
	for _, name := range []string{"b.ts", "words.csv", "page.html", "more.hh"} {
		write(t, filepath.Join(dir, name), "x")
		changes(t, b, name)
	}
}

func TestProjectEmbeds(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module x")
	write(t, filepath.Join(dir, "main.go"), "package main")
	for _, path := range []string{dir, filepath.Join(dir, "main.go")} {
		b := watching(t, path, io.Discard)
		for _, name := range []string{"dev.log", "a.wasm", ".hidden", "main.go~", "4913", "node_modules/x.js"} {
			write(t, filepath.Join(dir, name), path)
		}
		quiet(t, b, "what tools write")
		for _, name := range []string{"words.md", "picture.png", "LICENSE"} {
			write(t, filepath.Join(dir, name), path)
			changes(t, b, name)
		}
	}
}

// TestWrittenByBuilds: a tool that writes a file beside the sources with each
// build, or our log, does not have builds go on without an end.
func TestWrittenByBuilds(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.go"), "package main")
	log, err := os.Create(filepath.Join(dir, "out"))
	must(t, err)
	defer log.Close()
	b := watching(t, dir, log)
	write(t, filepath.Join(dir, "made.txt"), "the same")
	changes(t, b, "a new file")
	write(t, filepath.Join(dir, "made.txt"), "the same")
	b.console.Line(slog.LevelInfo, "", "a line of the log")
	quiet(t, b, "the same again")
	write(t, filepath.Join(dir, "made.txt"), "other")
	changes(t, b, "other contents")
}

// TestFoldersComeAndGo: a folder that is made while we watch is watched, one
// that is made again, too, and one that was renamed.
func TestFoldersComeAndGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "project")
	write(t, filepath.Join(dir, "main.ts"), "x")
	b := watching(t, dir, io.Discard)
	lib := filepath.Join(dir, "lib")
	must(t, os.Mkdir(lib, 0o700))
	quiet(t, b, "an empty folder")
	write(t, filepath.Join(lib, "deep", "a.ts"), "x")
	changes(t, b, "a file in a new folder")
	write(t, filepath.Join(lib, "deep", "a.ts"), "y")
	changes(t, b, "a file that was there when the folder was seen")

	must(t, os.RemoveAll(lib))
	changes(t, b, "the end of a folder")
	write(t, filepath.Join(lib, "deep", "a.ts"), "z")
	changes(t, b, "a folder that is there again")
	write(t, filepath.Join(lib, "deep", "a.ts"), "0")
	changes(t, b, "a file in a folder that is there again")

	must(t, os.Rename(lib, filepath.Join(dir, "old")))
	changes(t, b, "another name of a folder")
	write(t, filepath.Join(dir, "old", "deep", "a.ts"), "1")
	changes(t, b, "a file in a folder of another name")

	must(t, os.RemoveAll(dir))
	changes(t, b, "the end of the project")
	write(t, filepath.Join(dir, "main.ts"), "y")
	changes(t, b, "a project that is there again")
}

// TestBrokenImport: what mends a build that failed is noticed, though it is in
// a folder that no build has named.
func TestBrokenImport(t *testing.T) {
	quickJS, err := scripttest.Runtime()
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "src", "main.ts"), `import { mark } from "../lib/w";
import { word } from "../words";
export function onMessage(conn) { conn.send(mark + word); }`)
	write(t, filepath.Join(dir, "lib", "w.ts"), "export const mark = ;")
	var out strings.Builder
	b := watching(t, filepath.Join(dir, "src", "main.ts"), &out)
	b.options.Runtime.File, b.options.ScriptTimeout = quickJS, time.Minute
	p := b.projects[0]
	builds := func() bool {
		p.changed, p.built = true, false
		return b.Build(t.Context())
	}
	if builds() {
		t.Fatal("it builds with a broken import")
	}
	write(t, filepath.Join(dir, "lib", "w.ts"), `export const mark = "!";`)
	changes(t, b, "the import that was broken")
	if builds() {
		t.Fatal("it builds without an import")
	}
	write(t, filepath.Join(dir, "words", "index.ts"), `export const word = "hello";`)
	changes(t, b, "the import that was missing")
	if !builds() {
		t.Fatalf("it does not build:\n%s", out.String())
	}
	must(t, os.RemoveAll(filepath.Join(dir, "lib")))
	changes(t, b, "the end of an import's folder")
	if builds() {
		t.Fatal("it builds without a folder")
	}
	write(t, filepath.Join(dir, "lib", "w.ts"), `export const mark = "?";`)
	changes(t, b, "the folder that is there again")
}
