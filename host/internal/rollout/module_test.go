package rollout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadModule checks which files, links and folders are read, and the limit of the size.
func TestReadModule(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(path("p.wasm"), []byte("1234"), 0o600))
	must(os.Mkdir(path("folder"), 0o700))
	must(os.Mkdir(path("plugins"), 0o700))
	must(os.Symlink(path("p.wasm"), path("plugins/direct.wasm")))          // may lead anywhere
	must(os.Symlink("..data/p.wasm", path("plugins/inside.wasm")))         // stays within the folder
	must(os.Symlink(path("p.wasm"), path("plugins/out")))                  // leaves the folder
	must(os.Symlink("out", path("plugins/outside.wasm")))                  // leads to a link that leaves the folder
	must(os.Symlink("nowhere", path("plugins/dangling.wasm")))             // leads to a missing file
	must(os.Mkdir(path("plugins/..v1"), 0o700))                            // a mounted ConfigMap
	must(os.WriteFile(path("plugins/..v1/p.wasm"), []byte("5678"), 0o600)) //
	must(os.Symlink("..v1", path("plugins/..data")))                       //
	must(os.Symlink(path("plugins"), path("link")))                        // a folder that is a link
	for _, tc := range []struct{ file, content, err string }{
		{"p.wasm", "1234", ""},
		{"plugins/direct.wasm", "1234", ""},
		{"plugins/inside.wasm", "5678", ""},
		{"link/inside.wasm", "5678", ""},
		{"plugins/outside.wasm", "", "leaves its folder"},
		{"plugins/dangling.wasm", "", "no such file"},
		{"missing.wasm", "", "no such file"},
		{"folder", "", "not a file"},
	} {
		m, err := readModule(path(tc.file), 4)
		switch {
		case tc.err == "" && (err != nil || string(m.wasm) != tc.content):
			t.Errorf("%s: %q, %v", tc.file, m.wasm, err)
		case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%s: %v, want %q", tc.file, err, tc.err)
		}
		if missing := tc.err == "no such file"; missing != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", tc.file, err)
		}
	}
	const want = "4 bytes are more than limits.max_module (3)"
	if _, err := readModule(path("p.wasm"), 3); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("over the limit: %v", err)
	}
}
