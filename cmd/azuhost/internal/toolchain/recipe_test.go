package toolchain_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

// TestGoFlags: Go gets the user's GOFLAGS, and -buildvcs=false.
func TestGoFlags(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a shell for a fake go command")
	}
	dir, bin := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "main.go"), "package main")
	fake := "#!/bin/sh\necho \"flags $GOFLAGS, arguments $*\" >&2; exit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "GOFLAGS=-tags=fast"}
	_, err := toolchain.Build(t.Context(), dir, toolchain.Options{Env: env})
	if err == nil || !strings.Contains(err.Error(), "flags -tags=fast, arguments build -buildvcs=false ") {
		t.Errorf("got %v", err)
	}
}
