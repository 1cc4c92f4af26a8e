package rollout

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long the content of a file must stay the same before the change is reported, because compilers
// write a file in pieces.
const settleTime = 100 * time.Millisecond

// pollInterval is the time between two checks of the identity, size and time of every file. Folder events miss a change
// behind a symbolic link, the replacement of the folder itself, and changes on a network file system.
const pollInterval = 2 * time.Second

// File is a module file to watch.
type File struct {
	Path    string
	Limit   int64                 // bytes; a larger file is reported and fails to load
	Changed func(context.Context) // reports a new content; the context ends with the Watcher
}

// Watcher reports changes of module files. It watches their folders, because most tools replace a file by another one
// of the same name. A deleted file is no change. The first content of every file is reported, too: the file may have
// changed since it was loaded.
type Watcher struct {
	log    *slog.Logger
	fs     *fsnotify.Watcher
	cancel context.CancelFunc // nil before Start
	wait   sync.WaitGroup

	files map[string]*watchedFile // by absolute path; after Start for the goroutine only
}

// watchedFile is the state of one file.
type watchedFile struct {
	changed []func(context.Context)
	limit   int64 // the largest one that was asked for

	info      os.FileInfo // of the file behind links at the last check; nil: it was missing
	reported  fingerprint // of the content that was reported last
	candidate fingerprint // of the content that was read last and has to settle
	checkAt   time.Time   // zero: no check is scheduled
}

// NewWatcher returns a Watcher of files. It fails if a folder can not be watched. Several files may have the same path.
func NewWatcher(log *slog.Logger, files []File) (*Watcher, error) {
	w := &Watcher{log: log, files: map[string]*watchedFile{}}
	var err error
	if w.fs, err = fsnotify.NewWatcher(); err != nil {
		return nil, fmt.Errorf("watch plugins: %w", err)
	}
	for _, f := range files {
		if err := w.add(f); err != nil {
			return nil, errors.Join(fmt.Errorf("watch plugins: %w", err), w.fs.Close())
		}
	}
	return w, nil
}

func (w *Watcher) add(f File) error {
	path, err := filepath.Abs(f.Path)
	if err != nil {
		return err
	}
	watched := w.files[path]
	if watched == nil {
		dir := filepath.Dir(path)
		if err := w.fs.Add(dir); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		watched = &watchedFile{}
		watched.schedule(time.Now())
		w.files[path] = watched
	}
	watched.changed = append(watched.changed, f.Changed)
	watched.limit = max(watched.limit, f.Limit)
	return nil
}

// Start begins to report changes, in a goroutine that ends with Close.
func (w *Watcher) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.wait.Go(func() { w.run(ctx) })
}

// Close ends the Watcher. It waits for a callback that runs, whose context it cancels.
func (w *Watcher) Close() {
	if w.cancel != nil {
		w.cancel()
	}
	w.wait.Wait()
	_ = w.fs.Close()
}

func (w *Watcher) run(ctx context.Context) {
	checks := time.NewTimer(settleTime)
	defer checks.Stop()
	polls := time.NewTicker(pollInterval)
	defer polls.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.fs.Events:
			if !ok {
				return
			}
			w.scheduleFolder(filepath.Dir(e.Name))
		case err, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			w.log.Warn("events of plugin files lost, all files are checked", "err", err)
			for _, f := range w.files {
				f.schedule(time.Now())
			}
		case now := <-checks.C:
			w.check(ctx, now)
		case <-polls.C:
			w.poll()
		}
		w.resetTimer(checks)
	}
}

// scheduleFolder schedules a check of all files in a folder. The event may be about a link on the way to any of them.
func (w *Watcher) scheduleFolder(dir string) {
	for path, f := range w.files {
		if filepath.Dir(path) == dir {
			f.schedule(time.Now())
		}
	}
}

// schedule schedules a check. One that is scheduled already keeps its time: in a busy folder it would never come.
func (f *watchedFile) schedule(now time.Time) {
	if f.checkAt.IsZero() {
		f.checkAt = now.Add(settleTime)
	}
}

// poll schedules a check of the files that have changed without an event. Their folders may have been replaced, too,
// so it watches them again.
func (w *Watcher) poll() {
	for path, f := range w.files {
		if f.checkAt.IsZero() && !sameFile(f.info, stat(path)) {
			_ = w.fs.Add(filepath.Dir(path)) // on an error polling goes on
			f.schedule(time.Now())
		}
	}
}

// stat describes the file behind links. It returns nil if there is none.
func stat(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// resetTimer sets the timer to the first check that is scheduled.
func (w *Watcher) resetTimer(t *time.Timer) {
	var first time.Time
	for _, f := range w.files {
		if !f.checkAt.IsZero() && (first.IsZero() || f.checkAt.Before(first)) {
			first = f.checkAt
		}
	}
	if first.IsZero() {
		t.Stop()
		return
	}
	t.Reset(time.Until(first))
}

// check reads the files whose check is due. It reports those whose content is new and was the same in two checks.
func (w *Watcher) check(ctx context.Context, now time.Time) {
	for path, f := range w.files {
		if f.checkAt.IsZero() || f.checkAt.After(now) {
			continue
		}
		f.checkAt = time.Time{}
		f.info = stat(path) // before the content: poll finds a change in between
		content := readFingerprint(path, f.limit)
		switch {
		case content == missing, content == f.reported:
			f.candidate = content
		case content != f.candidate:
			f.candidate = content
			f.schedule(now)
		default:
			f.reported = content
			for _, changed := range f.changed {
				changed(ctx)
			}
		}
	}
}

// fingerprint is a hash of a file's content, or of the error of reading it. The zero value stands for a missing file.
type fingerprint [sha256.Size]byte

var missing fingerprint

func readFingerprint(file string, limit int64) fingerprint {
	m, err := readModule(file, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing
	case err != nil:
		return sha256.Sum256([]byte(err.Error()))
	}
	return m.sum
}
