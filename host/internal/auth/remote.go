package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

// Times between fetches.
const (
	retryFirst    = time.Second
	retryMost     = 15 * time.Second
	unknownEvery  = 10 * time.Second // a fetch because of an unknown kid
	refreshUsual  = 15 * time.Minute // where the server says nothing
	refreshLeast  = time.Minute      // whatever it says
	refreshMostly = time.Hour
)

// remote is a set of keys that is fetched from one URL, and again in the
// background. A failed fetch leaves the keys that are there.
type remote struct {
	url      string
	client   *http.Client
	refresh  time.Duration // 0: what the server says
	maxStale time.Duration
	log      *slog.Logger
	told     func(ok bool)

	unknown *rate.Limiter // of fetches because of an unknown kid
	ask     chan struct{} // fetch now
	cancel  context.CancelFunc
	ended   chan struct{} // closed when run has returned

	first <-chan struct{} // closed when the first fetch has ended

	mu      sync.Mutex
	keys    []key
	fetched time.Time     // the last time that it worked
	err     error         // of the last fetch
	next    chan struct{} // closed when the next fetch to begin has ended
	asking  chan struct{} // the same for the one that an unknown kid asked for; nil: none is due
}

// newRemote begins to fetch. Until that has worked it has the keys of old, which
// may be nil, where these come from the same URL.
func newRemote(o Options, old *remote) (*remote, error) {
	u, err := parseURL(o.JWKSURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &remote{
		url:      u.String(),
		client:   newClient(u, o.transport),
		refresh:  o.Refresh,
		maxStale: o.MaxStale,
		log:      o.Log.With("jwks_url", u.Scheme+"://"+u.Host+u.Path), // the rest may be secret
		told:     o.Refreshed,
		unknown:  rate.NewLimiter(rate.Every(unknownEvery), 1),
		ask:      make(chan struct{}, 1),
		cancel:   cancel,
		ended:    make(chan struct{}),
		next:     make(chan struct{}),
	}
	r.first = r.next
	if old != nil && old.url == r.url {
		r.inherit(old)
	}
	go r.run(ctx)
	return r, nil
}

// inherit takes over what old has fetched, and what it may fetch because of
// unknown kids. r does not run yet.
func (r *remote) inherit(old *remote) {
	old.mu.Lock()
	defer old.mu.Unlock()
	r.unknown = old.unknown
	r.keys, r.fetched, r.err = old.keys, old.fetched, old.err
	if !r.fetched.IsZero() {
		r.first = closed
	}
}

// closed is the end of what nobody has to wait for.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (r *remote) close() {
	r.cancel()
	<-r.ended
}

// run fetches until ctx is done.
func (r *remote) run(ctx context.Context) {
	defer close(r.ended)
	retry := retryFirst
	for {
		done := r.begin()
		keys, age, err := r.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		r.finish(keys, err, done)
		wait := r.interval(age)
		if err != nil {
			wait, retry = jitter(retry), min(2*retry, retryMost)
		} else {
			retry = retryFirst
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.ask:
		case <-ctx.Done():
			return
		}
		timer.Stop()
	}
}

// begin says that a fetch begins. What it returns is to be closed when it ends.
func (r *remote) begin() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := r.next
	r.next = make(chan struct{})
	select {
	case <-r.ask: // this is it
	default:
	}
	return done
}

// finish takes the keys, or keeps those that are there.
func (r *remote) finish(keys []key, err error, done chan struct{}) {
	r.mu.Lock()
	was, first := r.err, r.fetched.IsZero()
	r.err = err
	if err == nil {
		r.keys, r.fetched = keys, time.Now()
	}
	if r.asking == done {
		r.asking = nil
	}
	fetched := r.fetched
	r.mu.Unlock()
	close(done)
	switch {
	case err == nil && (first || was != nil):
		r.log.Info("keys for tokens fetched", "keys", len(keys))
	case err != nil && was == nil:
		r.log.Error("keys for tokens not fetched, trying again", "err", err, "last", fetched)
	case err != nil:
		r.log.Debug("keys for tokens not fetched, trying again", "err", err)
	}
	if r.told != nil {
		r.told(err == nil)
	}
}

// interval is the time to the next fetch, after one that worked. It is a little
// less than is allowed, and never the same on two nodes.
func (r *remote) interval(age time.Duration) time.Duration {
	if r.refresh > 0 {
		return jitter(r.refresh)
	}
	return jitter(min(cmp.Or(age, refreshUsual), refreshMostly))
}

// jitter takes up to a tenth away.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

// find implements keySource. An unknown kid may mean that the issuer has a new
// key: then the set is fetched anew, but not for every token that says so.
func (r *remote) find(ctx context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error) {
	keys, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	found, err := match(keys, kid, alg)
	if !unknownKey(err) {
		return found, err
	}
	if done := r.askAgain(); done != nil {
		r.await(ctx, done)
		if keys, err = r.current(ctx); err != nil {
			return nil, err
		}
		return match(keys, kid, alg)
	}
	return nil, err
}

func unknownKey(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == UnknownKey
}

// askAgain has the set fetched because of an unknown kid, and gives what is closed
// when that has ended; nil: there was such a fetch a moment ago.
func (r *remote) askAgain() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asking != nil {
		return r.asking
	}
	if !r.unknown.Allow() {
		return nil
	}
	r.asking = r.next
	select {
	case r.ask <- struct{}{}:
	default:
	}
	return r.asking
}

// current gives the keys that are there, if they are not too old. It waits for
// the first fetch.
func (r *remote) current(ctx context.Context) ([]key, error) {
	r.await(ctx, r.first)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stale() {
		return nil, refused(Unavailable, "the keys could not be fetched")
	}
	return r.keys, nil
}

// await waits for a fetch, but not longer than there is somebody who fetches.
func (r *remote) await(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	case <-r.ended:
	}
}

// stale says that no token can be checked. mu is held.
func (r *remote) stale() bool { return r.fetched.IsZero() || time.Since(r.fetched) > r.maxStale }

func (r *remote) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{Fetched: r.fetched, Stale: r.stale(), Err: r.err}
}
