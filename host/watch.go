package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a plugin's file has to stay the same before it is loaded:
// a compiler writes a file in pieces.
const settle = 100 * time.Millisecond

// lookEvery is how often each file is asked for its identity, size and time beside: no
// event of its folder tells of a change behind a link, of a folder that was replaced
// by another, or of what happens on a network's file system.
const lookEvery = 2 * time.Second

// watcher reloads plugins when their files change. It watches the folders,
// since most tools replace a file by another with its name.
type watcher struct {
	host *Host
	fs   *fsnotify.Watcher
	wait sync.WaitGroup
	ctx  context.Context // ends with close, and a load that is under way with it
	stop context.CancelFunc

	// the goroutine only
	files map[string]*watched // by cleaned absolute path
}

type watched struct {
	paths []string    // routes of it
	max   int64       // bytes that any of them allows
	stat  os.FileInfo // of the file behind the links, when it was looked at last; nil: not there
	seen  [sha256.Size]byte
	known bool // seen is what was loaded last, or failed to load
	next  [sha256.Size]byte
	due   time.Time // when to look again; zero: nothing has changed
}

// newWatcher makes the watcher that o asks for; nil: none.
func (h *Host) newWatcher(o Options) (*watcher, error) {
	if !o.Watch {
		return nil, nil
	}
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch plugins: %w", err)
	}
	w := &watcher{host: h, fs: fs, files: map[string]*watched{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	for _, r := range o.Routes {
		if err := w.add(r); err != nil {
			w.stop()
			return nil, errors.Join(fmt.Errorf("watch plugins: %w", err), fs.Close())
		}
	}
	return w, nil
}

// replaceWatcher ends the watcher that runs and starts w, if there is one;
// reload is held.
func (h *Host) replaceWatcher(w *watcher) {
	if h.watcher != nil {
		h.watcher.close()
	}
	if h.watcher = w; w != nil {
		w.wait.Go(w.run)
	}
}

func (w *watcher) add(r Route) error {
	if r.Plugin == "" {
		return nil
	}
	file, err := filepath.Abs(r.Plugin)
	if err != nil {
		return err
	}
	f := w.files[file]
	if f == nil {
		f = &watched{}
		w.files[file] = f
		if err := w.fs.Add(filepath.Dir(file)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Dir(file), err)
		}
		// The file may have changed since it was loaded: have a look. Loading
		// what runs already changes nothing.
		f.due = time.Now().Add(settle)
	}
	f.paths = append(f.paths, r.Path)
	f.max = max(f.max, r.Limits.MaxModule)
	return nil
}

func (w *watcher) close() {
	w.stop()
	w.wait.Wait()
	_ = w.fs.Close()
}

func (w *watcher) run() {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case e, ok := <-w.fs.Events:
			if !ok {
				return
			}
			w.touched(filepath.Dir(e.Name))
		case err, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			// Events were lost: look at everything.
			w.host.log.Warn("watch plugins", "err", err)
			for file := range w.files {
				w.touched(filepath.Dir(file))
			}
		case now := <-timer.C:
			w.look(now)
		case <-tick.C:
			w.ask()
		}
		w.arm(timer)
	}
}

// touched has all files of a folder looked at: behind a name there may be a
// link to the one that changed.
func (w *watcher) touched(dir string) {
	for file, f := range w.files {
		// What is due stays due: in a busy folder it would never be looked at.
		if filepath.Dir(file) == dir && f.due.IsZero() {
			f.due = time.Now().Add(settle)
		}
	}
}

// ask looks for files that are others than they were, without a word of their folders.
// Such a folder may be another, too: it is watched from here on.
func (w *watcher) ask() {
	for file, f := range w.files {
		if f.due.IsZero() && !same(f.stat, stat(file)) {
			_ = w.fs.Add(filepath.Dir(file)) // else ask goes on finding the changes
			f.due = time.Now().Add(settle)
		}
	}
}

// stat is about the file behind the links; nil: there is none.
func stat(file string) os.FileInfo {
	fi, err := os.Stat(file)
	if err != nil {
		return nil
	}
	return fi
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (w *watcher) arm(t *time.Timer) {
	var next time.Time
	for _, f := range w.files {
		if !f.due.IsZero() && (next.IsZero() || f.due.Before(next)) {
			next = f.due
		}
	}
	if next.IsZero() {
		t.Stop()
		return
	}
	t.Reset(time.Until(next))
}

// look loads the files that have been the same for two looks in a row.
func (w *watcher) look(now time.Time) {
	for file, f := range w.files {
		if f.due.IsZero() || f.due.After(now) {
			continue
		}
		f.stat = stat(file) // before the content: what changes in between is seen by ask
		sum, ok := fingerprint(file, f.max)
		switch {
		case !ok || f.known && sum == f.seen: // gone for now, or back to what runs
			f.next, f.due = sum, time.Time{}
		case sum != f.next:
			f.next, f.due = sum, now.Add(settle)
		default:
			f.seen, f.known, f.due = sum, true, time.Time{}
			w.load(f)
		}
	}
}

// load loads a changed file on its routes. A version that fails leaves the
// one that runs.
func (w *watcher) load(f *watched) {
	for _, path := range f.paths {
		rt := w.host.runtime(path)
		if rt == nil {
			continue
		}
		s := rt.settings.Load()
		if s.plugin == nil {
			continue
		}
		if err := w.host.load(w.ctx, s); err != nil {
			w.host.notLoaded(s, err)
		}
	}
}
