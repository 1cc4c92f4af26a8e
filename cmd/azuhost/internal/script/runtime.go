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

// The runtime is one version of QuickJS, so that builds are reproducible. The hashes are those of the npm package,
// and of the module in it.
const (
	runtimeName    = "quickjs-wasi"
	runtimeVersion = "3.6.2"
	runtimeModule  = "package/quickjs.wasm"

	// packageSHA512 is in base 64, moduleSHA256 in hexadecimal.
	packageSHA512 = "FCqGtGOrMgzUiIrMNMA2YnsOxCNwo31dzqXvclXUC6xeT35NJLKXQJsvbeCTjvoFAwZgEAPg8U6+KAPDGXn8Mg=="
	moduleSHA256  = "d4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9"

	maxPackage      = 8 << 20 // bytes
	defaultRegistry = "https://registry.npmjs.org"
	downloadTimeout = 2 * time.Minute
)

// Runtime is the source of QuickJS. The zero value downloads it at each use.
type Runtime struct {
	// File is a file with the module, or with the npm package, for builds without a network. Empty: the package is
	// downloaded.
	File string
	// CacheDir is a folder for the downloaded module. Empty: it is not kept.
	CacheDir string
	// Registry is the npm registry. Empty: https://registry.npmjs.org.
	Registry string
	// Progress receives lines about the download. nil: they are dropped.
	Progress io.Writer
}

// load returns the module from the file, the cache or the registry, after verifying its hash.
func (r Runtime) load(ctx context.Context) ([]byte, error) {
	if r.File != "" {
		data, err := os.ReadFile(r.File)
		if err != nil {
			return nil, fmt.Errorf("the JavaScript runtime: %w", err)
		}
		module, err := verifyRuntime(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.File, err)
		}
		return module, nil
	}
	cached := filepath.Join(r.CacheDir, runtimeName+"-"+runtimeVersion+".wasm")
	if r.CacheDir != "" {
		data, err := os.ReadFile(cached)
		if err == nil {
			if module, err := verifyRuntime(data); err == nil {
				return module, nil
			}
			// The file is damaged: it is replaced below.
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the JavaScript runtime: %w", err)
		}
	}
	module, err := r.download(ctx)
	if err != nil {
		return nil, fmt.Errorf("download the JavaScript runtime: %w\n"+
			"without a network: fetch the package elsewhere with 'npm pack %s@%s', and name it with --runtime",
			err, runtimeName, runtimeVersion)
	}
	if r.CacheDir != "" {
		if err := writeCache(cached, module); err != nil {
			return nil, fmt.Errorf("cache the JavaScript runtime: %w", err)
		}
	}
	return module, nil
}

// verifyRuntime returns the module. data is the module or the npm package.
func verifyRuntime(data []byte) ([]byte, error) {
	const gzipMagic = "\x1f\x8b"
	if bytes.HasPrefix(data, []byte(gzipMagic)) {
		sum := sha512.Sum512(data)
		if got := base64.StdEncoding.EncodeToString(sum[:]); got != packageSHA512 {
			return nil, fmt.Errorf("not the package %s %s: its SHA-512 is %s, want %s",
				runtimeName, runtimeVersion, got, packageSHA512)
		}
		var err error
		if data, err = unpack(data); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != moduleSHA256 {
		return nil, fmt.Errorf("not the module of %s %s: its SHA-256 is %s, want %s",
			runtimeName, runtimeVersion, got, moduleSHA256)
	}
	return data, nil
}

// unpack returns the module of a package.
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

// download returns the module from the registry.
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
	r.report("downloading %s %s, the JavaScript runtime (%d KB, once)",
		runtimeName, runtimeVersion, max(res.ContentLength, 0)/1000)
	body := &progressReader{Reader: res.Body, report: r.report, total: res.ContentLength}
	data, err := io.ReadAll(io.LimitReader(body, maxPackage))
	if err != nil {
		return nil, err
	}
	return verifyRuntime(data)
}

// report writes a line to Progress.
func (r Runtime) report(format string, args ...any) {
	if r.Progress != nil {
		fmt.Fprintf(r.Progress, format+"\n", args...)
	}
}

// progressReader reports each quarter of the total that has been read.
type progressReader struct {
	io.Reader
	report      func(format string, args ...any)
	total, read int64 // bytes; total is not positive if it is unknown
	quarters    int64 // reported
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.read += int64(n)
	if p.total > 0 {
		if q := p.read * 4 / p.total; q > p.quarters && q < 4 {
			p.quarters = q
			p.report("  %d %%", q*25)
		}
	}
	return n, err
}

// writeCache writes a file atomically: concurrent builds read all of it or nothing.
func writeCache(file string, data []byte) error {
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
