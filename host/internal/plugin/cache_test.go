package plugin

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestCacheDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "cache")
	wasm := guest(t, "bounce")
	p := newPlugin(t, Options{CacheDir: dir}, wasm)
	if err := message(p, &fakeEnv{}, "x"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	files := cached(t, dir)
	if len(files) != 1 {
		t.Fatalf("cached: %q", files)
	}
	// The second run uses the cache: it does not write the file again.
	before, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	q := newPlugin(t, Options{CacheDir: dir}, wasm)
	if err := message(q, &fakeEnv{}, "x"); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(files[0]); err != nil || !os.SameFile(before, after) || before.ModTime() != after.ModTime() {
		t.Errorf("compiled again: %v", err)
	}
	// Code with checks differs from code without.
	newPlugin(t, Options{CacheDir: dir, Metering: Off}, wasm)
	if got := cached(t, dir); len(got) != 2 {
		t.Errorf("cached: %q", got)
	}
}

func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wasm := guest(t, "bounce")
	newPlugin(t, Options{CacheDir: dir}, wasm)
	file := cached(t, dir)[0]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0xff
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := newPlugin(t, Options{CacheDir: dir, Log: textLog(&out)}, wasm)
	if err := message(p, &fakeEnv{}, "x"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "compiled without the cache") {
		t.Errorf("the log has no warning: %q", out.String())
	}
}

func TestCacheDirOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	for _, mode := range []fs.FileMode{0o770, 0o702} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		p := newPlugin(t, Options{CacheDir: dir}, nil)
		if _, err := p.Load(t.Context(), guest(t, "bounce")); err == nil || !strings.Contains(err.Error(), "chmod 700") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlugin(t, Options{CacheDir: file}, nil)
	if _, err := p.Load(t.Context(), guest(t, "bounce")); err == nil {
		t.Error("a file is no directory")
	}
}

// cached returns the files in the cache.
func cached(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
