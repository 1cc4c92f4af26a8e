package rollout

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// maxRefused is the number of refused versions that a History remembers. Each rollback adds one.
const maxRefused = 16

// History is the state of the versions of one route's plugin. It outlives the Controllers that follow one another when
// the route changes. Its methods may be called concurrently.
//
// The running version is on trial until it is the last good one. These are the transitions:
//
//	loaded      a version runs
//	passed      the running version has passed its trial: it is the last good one
//	failed      the running version has failed its trial: a rollback to the last good one begins
//	revert      an operator goes back: a rollback to the last good version begins, or from it to the one before
//	done, undo  a rollback ends: the old version runs and the replaced one is refused, or all is as before
//	lift        every version may be loaded again
type History struct {
	// loading is a semaphore of one: it is held during a load of the file and a manual rollback.
	loading chan struct{}
	// saving is held while the last good version changes and is stored, so that the State ends with the same one.
	// It is taken before mu.
	saving sync.Mutex

	mu       sync.Mutex
	running  *Module             // nil: none yet
	lastGood *Module             // the version that passed its trial last; nil: none has
	previous *Module             // the last good version before lastGood; nil: none
	refused  [][sha256.Size]byte // versions that were rolled back, the last one at the end
}

// NewHistory returns a History with the last good version of an earlier process, nil for none.
func NewHistory(lastGood *Module) *History {
	return &History{loading: make(chan struct{}, 1), lastGood: lastGood}
}

// acquire waits for the semaphore of loads. It returns the error of ctx if that ends first.
func (h *History) acquire(ctx context.Context) error {
	select {
	case h.loading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *History) release() { <-h.loading }

// Lift makes every refused version eligible again. It is tried when its file is read next.
func (h *History) Lift() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = nil
}

// IDs returns the id of the last good version and of the version that was refused last. They are empty for none.
func (h *History) IDs() (lastGood, refused string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastGood != nil {
		lastGood = h.lastGood.Version()
	}
	if n := len(h.refused); n > 0 {
		refused = plugin.VersionID(h.refused[n-1])
	}
	return lastGood, refused
}

// good returns the last good version, nil if there is none.
func (h *History) good() *Module {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lastGood
}

// refuses reports whether m must not be loaded.
func (h *History) refuses(m Module) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.refused, m.sum)
}

// loaded records that m runs. It reports whether m is on trial, which it is unless it is the last good version.
func (h *History) loaded(m Module) (onTrial bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = &m
	return !m.is(h.lastGood)
}

// passed records that m has passed its trial.
func (h *History) passed(m Module) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !m.is(h.lastGood) {
		h.previous = h.lastGood
	}
	h.lastGood = &m
}

// rollback is a rollback under way. It ends with done or undo, or with neither if another version was loaded meanwhile:
// then from stays refused.
type rollback struct {
	history *History
	from    *Module // nil: nothing runs
	to      Module

	// What a manual rollback replaces.
	manual             bool
	lastGood, previous *Module
}

// failed begins the rollback of a version that has failed its trial to the last good one. ok is false if there is no
// other good version.
func (h *History) failed(m Module) (rb *rollback, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastGood == nil || m.is(h.lastGood) {
		return nil, false
	}
	h.refuse(&m) // now, so that no load brings it back meanwhile
	return &rollback{history: h, from: &m, to: *h.lastGood}, true
}

// revert begins a manual rollback: to the last good version, or to the one before if the last good version runs. ok is
// false if there is no such version. saving is held until the rollback ends.
func (h *History) revert() (rb *rollback, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	to := h.lastGood
	if to != nil && to.is(h.running) {
		to = h.previous
	}
	if to == nil {
		return nil, false
	}
	rb = &rollback{history: h, from: h.running, to: *to, manual: true, lastGood: h.lastGood, previous: h.previous}
	h.refuse(rb.from)
	h.lastGood, h.previous = to, nil
	return rb, true
}

// done records that the version rolled back to runs.
func (rb *rollback) done() {
	h := rb.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = &rb.to
	h.permit(&rb.to)
	h.refuse(rb.from)
}

// undo records that the version rolled back to did not start, and that the other one runs on.
func (rb *rollback) undo() {
	h := rb.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if rb.from != nil && rb.from.is(h.running) {
		h.permit(rb.from)
	}
	if rb.manual {
		h.lastGood, h.previous = rb.lastGood, rb.previous
	}
}

// refuse adds a version to the refused ones, at the end. mu is held. m may be nil.
func (h *History) refuse(m *Module) {
	if m == nil {
		return
	}
	h.permit(m)
	h.refused = append(h.refused, m.sum)
	h.refused = h.refused[max(0, len(h.refused)-maxRefused):]
}

// permit removes a version from the refused ones. mu is held.
func (h *History) permit(m *Module) {
	h.refused = slices.DeleteFunc(h.refused, func(sum [sha256.Size]byte) bool { return sum == m.sum })
}
