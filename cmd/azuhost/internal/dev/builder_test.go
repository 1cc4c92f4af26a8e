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

// newBuilder returns a builder of the sources at path. They count as built.
func newBuilder(t *testing.T, path string, log io.Writer) *Builder {
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

// requireQuiet fails if the events so far are a change.
func requireQuiet(t *testing.T, b *Builder, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*quietPeriod)
	defer cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s ended the wait: %v", what, err)
	}
	b.projects[0].changed = false
}

// requireChange fails if no change comes.
func requireChange(t *testing.T, b *Builder, what string) {
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

// TestWaitsForSources: Wait returns when a source changes, and ignores other files in the folder of the file that is
// built.
func TestWaitsForSources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.ts")
	write(t, file, "x")
	b := newBuilder(t, file, io.Discard)
	for _, name := range []string{"dev.log", "a.wasm", ".a.ts.swp", "a.ts~", "notes.pdf"} {
		write(t, filepath.Join(dir, name), "x")
	}
	requireQuiet(t, b, "files that are no sources")
	for _, name := range []string{"b.ts", "words.csv", "page.html", "more.hh"} {
		write(t, filepath.Join(dir, name), "x")
		requireChange(t, b, name)
	}
}

// TestProjectEmbeds: every file in a folder that is built is a source, except the files that tools write.
func TestProjectEmbeds(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module x")
	write(t, filepath.Join(dir, "main.go"), "package main")
	for _, path := range []string{dir, filepath.Join(dir, "main.go")} {
		b := newBuilder(t, path, io.Discard)
		for _, name := range []string{"dev.log", "a.wasm", ".hidden", "main.go~", "4913", "node_modules/x.js"} {
			write(t, filepath.Join(dir, name), path)
		}
		requireQuiet(t, b, "files that tools write")
		for _, name := range []string{"words.md", "picture.png", "LICENSE"} {
			write(t, filepath.Join(dir, name), path)
			requireChange(t, b, name)
		}
	}
}

// TestFilesOfBuilds: a file that every build writes beside the sources, such as the log, causes no further builds.
func TestFilesOfBuilds(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.go"), "package main")
	log, err := os.Create(filepath.Join(dir, "out"))
	must(t, err)
	defer log.Close()
	b := newBuilder(t, dir, log)
	write(t, filepath.Join(dir, "made.txt"), "the same")
	requireChange(t, b, "a new file")
	write(t, filepath.Join(dir, "made.txt"), "the same")
	b.console.Line(slog.LevelInfo, "", "a line of the log")
	requireQuiet(t, b, "the same again")
	write(t, filepath.Join(dir, "made.txt"), "other")
	requireChange(t, b, "other contents")
}

// TestFoldersComeAndGo: a folder that is created, removed and created again, or renamed is watched.
func TestFoldersComeAndGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "project")
	write(t, filepath.Join(dir, "main.ts"), "x")
	b := newBuilder(t, dir, io.Discard)
	lib := filepath.Join(dir, "lib")
	must(t, os.Mkdir(lib, 0o700))
	requireQuiet(t, b, "an empty folder")
	write(t, filepath.Join(lib, "deep", "a.ts"), "x")
	requireChange(t, b, "a file in a new folder")
	write(t, filepath.Join(lib, "deep", "a.ts"), "y")
	requireChange(t, b, "a change of a file in a new folder")

	must(t, os.RemoveAll(lib))
	requireChange(t, b, "the removal of a folder")
	write(t, filepath.Join(lib, "deep", "a.ts"), "z")
	requireChange(t, b, "a folder that was created again")
	write(t, filepath.Join(lib, "deep", "a.ts"), "0")
	requireChange(t, b, "a file in a folder that was created again")

	must(t, os.Rename(lib, filepath.Join(dir, "old")))
	requireChange(t, b, "a renamed folder")
	write(t, filepath.Join(dir, "old", "deep", "a.ts"), "1")
	requireChange(t, b, "a file in a renamed folder")

	must(t, os.RemoveAll(dir))
	requireChange(t, b, "the removal of the project")
	write(t, filepath.Join(dir, "main.ts"), "y")
	requireChange(t, b, "a project that was created again")
}

// TestBrokenImport: a change that repairs a failed build is noticed, even in a folder that no build has read.
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
	b := newBuilder(t, filepath.Join(dir, "src", "main.ts"), &out)
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
	requireChange(t, b, "the import that was broken")
	if builds() {
		t.Fatal("it builds without an import")
	}
	write(t, filepath.Join(dir, "words", "index.ts"), `export const word = "hello";`)
	requireChange(t, b, "the import that was missing")
	if !builds() {
		t.Fatalf("it does not build:\n%s", out.String())
	}
	must(t, os.RemoveAll(filepath.Join(dir, "lib")))
	requireChange(t, b, "the removal of an import's folder")
	if builds() {
		t.Fatal("it builds without a folder")
	}
	write(t, filepath.Join(dir, "lib", "w.ts"), `export const mark = "?";`)
	requireChange(t, b, "the folder that was created again")
}
