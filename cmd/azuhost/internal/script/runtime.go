package script

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The runtime is QuickJS, of one version: what is built must not depend on the
// day. The hashes are those of the package on npm, and of the module in it.
const (
	runtimeName      = "quickjs-wasi"
	runtimeVersion   = "3.6.2"
	runtimeIntegrity = "FCqGtGOrMgzUiIrMNMA2YnsOxCNwo31dzqXvclXUC6xeT35NJLKXQJsvbeCTjvoFAwZgEAPg8U6+KAPDGXn8Mg==" // SHA-512
	runtimeModule    = "package/quickjs.wasm"
	runtimeSum       = "d4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9" // SHA-256
	maxPackage       = 8 << 20
	defaultRegistry  = "https://registry.npmjs.org"
	downloadTimeout  = 2 * time.Minute
)

// Runtime says where QuickJS comes from. The zero value downloads it at each
// use.
type Runtime struct {
	// File is the module, or the package of npm with it, for builds without a
	// network. Empty: it is downloaded once.
	File string
	// CacheDir keeps what was downloaded. Empty: nothing is kept.
	CacheDir string
	// Registry is the npm registry. Empty: https://registry.npmjs.org.
	Registry string
	// Progress is told how the download goes. nil: nobody is.
	Progress io.Writer
}

// load gives the module, from the file, the cache or the registry. It has
// always been checked against its hash.
func (r Runtime) load(ctx context.Context) ([]byte, error) {
	if r.File != "" {
		data, err := os.ReadFile(r.File)
		if err != nil {
			return nil, fmt.Errorf("the JavaScript runtime: %w", err)
		}
		module, err := checked(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.File, err)
		}
		return module, nil
	}
	kept := filepath.Join(r.CacheDir, runtimeName+"-"+runtimeVersion+".wasm")
	if r.CacheDir != "" {
		data, err := os.ReadFile(kept)
		if err == nil {
			if module, err := checked(data); err == nil {
				return module, nil
			}
			// A download that was cut: it is replaced below.
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the JavaScript runtime: %w", err)
		}
	}
	module, err := r.download(ctx)
	if err != nil {
		return nil, fmt.Errorf("download the JavaScript runtime: %w\nwithout a network: fetch the package elsewhere with 'npm pack %s@%s', and name it with --runtime", err, runtimeName, runtimeVersion)
	}
	if r.CacheDir != "" {
		if err := keep(kept, module); err != nil {
			return nil, fmt.Errorf("keep the JavaScript runtime: %w", err)
		}
	}
	return module, nil
}

// checked gives the module that data is, or that is in it.
func checked(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		sum := sha512.Sum512(data)
		if got := base64.StdEncoding.EncodeToString(sum[:]); got != runtimeIntegrity {
			return nil, fmt.Errorf("it is not the package %s %s: its SHA-512 is %s, and not %s", runtimeName, runtimeVersion, got, runtimeIntegrity)
		}
		var err error
		if data, err = unpack(data); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != runtimeSum {
		return nil, fmt.Errorf("it is not the module of %s %s: its SHA-256 is %s, and not %s", runtimeName, runtimeVersion, got, runtimeSum)
	}
	return data, nil
}

// unpack finds the module in the package.
func unpack(data []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	files := tar.NewReader(zip)
	for {
		head, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("unpack: no %s: %w", runtimeModule, err)
		}
		if head.Name == runtimeModule {
			return io.ReadAll(io.LimitReader(files, maxPackage))
		}
	}
}

func (r Runtime) download(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	registry := strings.TrimSuffix(r.Registry, "/")
	if registry == "" {
		registry = defaultRegistry
	}
	url := fmt.Sprintf("%s/%s/-/%s-%s.tgz", registry, runtimeName, runtimeName, runtimeVersion)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, res.Status)
	}
	r.say("downloading %s %s, the JavaScript runtime (%d KB, once)", runtimeName, runtimeVersion, max(res.ContentLength, 0)/1000)
	data, err := io.ReadAll(io.LimitReader(&progress{Reader: res.Body, say: r.say, total: res.ContentLength}, maxPackage))
	if err != nil {
		return nil, err
	}
	return checked(data)
}

func (r Runtime) say(format string, args ...any) {
	if r.Progress != nil {
		fmt.Fprintf(r.Progress, format+"\n", args...)
	}
}

// progress says how much was read, each quarter.
type progress struct {
	io.Reader
	say            func(format string, args ...any)
	total, read    int64
	quartersBefore int64
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.read += int64(n)
	if p.total > 0 {
		if q := p.read * 4 / p.total; q > p.quartersBefore && q < 4 {
			p.quartersBefore = q
			p.say("  %d %%", q*25)
		}
	}
	return n, err
}

// keep writes a file so that nobody reads half of it.
func keep(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".download-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
