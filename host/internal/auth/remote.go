package auth

import (
	"cmp"
	"context"
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
	retryMin       = time.Second // after a failed fetch; doubled with each
	retryMax       = 15 * time.Second
	renewInterval  = 10 * time.Second // between fetches for tokens that no key verifies
	refreshDefault = 15 * time.Minute // without Cache-Control
	refreshMin     = time.Minute
	refreshMax     = time.Hour
)

// remoteKeys is a keySource that fetches a set of keys from a URL, and again in the background. After a failed fetch it
// goes on with the keys that it has.
type remoteKeys struct {
	url      string
	client   *http.Client
	refresh  time.Duration // 0: by Cache-Control
	maxStale time.Duration
	log      *slog.Logger
	onFetch  func(ok bool) // or nil

	renewals *rate.Limiter // of fetches by renew
	fetchNow chan struct{} // capacity 1: a request to fetch at once
	cancel   context.CancelFunc
	ended    chan struct{} // closed when run has returned

	first <-chan struct{} // closed at the end of the first fetch

	mu        sync.Mutex
	keys      []key
	fetched   time.Time     // the last successful fetch
	err       error         // of the last fetch
	next      chan struct{} // closed at the end of the next fetch to begin
	requested chan struct{} // next, if renew has requested that fetch; nil: no request is pending
}

// newRemoteKeys starts to fetch. Until that succeeds, it has the keys of old, which may be nil, if these are of the
// same URL.
func newRemoteKeys(o Options, old *remoteKeys) (*remoteKeys, error) {
	u, err := parseURL(o.JWKSURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &remoteKeys{
		url:      u.String(),
		client:   newClient(u, o.transport),
		refresh:  o.Refresh,
		maxStale: o.MaxStale,
		log:      o.Log.With("jwks_url", u.Scheme+"://"+u.Host+u.Path), // without the query, which can be secret
		onFetch:  o.OnFetch,
		renewals: rate.NewLimiter(rate.Every(renewInterval), 1),
		fetchNow: make(chan struct{}, 1),
		cancel:   cancel,
		ended:    make(chan struct{}),
		next:     make(chan struct{}),
	}
	r.first = r.next
	if old != nil && old.url == r.url {
		r.copyFrom(old)
	}
	go r.run(ctx)
	return r, nil
}

// copyFrom copies the keys of old, and shares its rate limiter. r does not run yet.
func (r *remoteKeys) copyFrom(old *remoteKeys) {
	old.mu.Lock()
	defer old.mu.Unlock()
	r.renewals = old.renewals
	r.keys, r.fetched, r.err = old.keys, old.fetched, old.err
	if !r.fetched.IsZero() {
		r.first = closed
	}
}

// closed is a closed channel.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (r *remoteKeys) close() {
	r.cancel()
	<-r.ended
}

// run fetches until ctx is done.
func (r *remoteKeys) run(ctx context.Context) {
	defer close(r.ended)
	retry := retryMin
	for {
		done := r.begin()
		keys, age, err := r.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		r.finish(keys, err, done)
		wait := r.interval(age)
		if err != nil {
			wait, retry = jitter(retry), min(2*retry, retryMax)
		} else {
			retry = retryMin
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.fetchNow:
		case <-ctx.Done():
			return
		}
		timer.Stop()
	}
}

// begin starts a fetch. The caller passes the returned channel to finish.
func (r *remoteKeys) begin() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := r.next
	r.next = make(chan struct{})
	select {
	case <-r.fetchNow: // this fetch answers the request
	default:
	}
	return done
}

// finish ends a fetch: it replaces the keys unless err is set, and closes done.
func (r *remoteKeys) finish(keys []key, err error, done chan struct{}) {
	r.mu.Lock()
	before, first := r.err, r.fetched.IsZero()
	r.err = err
	if err == nil {
		r.keys, r.fetched = keys, time.Now()
	}
	if r.requested == done {
		r.requested = nil
	}
	fetched := r.fetched
	r.mu.Unlock()
	close(done)
	switch {
	case err == nil && (first || before != nil):
		r.log.Info("JWKS fetched", "keys", len(keys))
	case err != nil && before == nil:
		r.log.Error("cannot fetch the JWKS, retrying", "err", err, "last", fetched)
	case err != nil:
		r.log.Debug("cannot fetch the JWKS, retrying", "err", err)
	}
	if r.onFetch != nil {
		r.onFetch(err == nil)
	}
}

// interval returns the time to the next fetch after a successful one. It is a little shorter than age, and differs
// between nodes.
func (r *remoteKeys) interval(age time.Duration) time.Duration {
	if r.refresh > 0 {
		return jitter(r.refresh)
	}
	return jitter(min(cmp.Or(age, refreshDefault), refreshMax))
}

// jitter returns d less a random part of up to a tenth.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

// find implements keySource.
func (r *remoteKeys) find(ctx context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error) {
	keys, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	return match(keys, kid, alg)
}

// renew implements keySource. The issuer may have a new key, also under the kid of another one or without a kid, so
// renew fetches the set again, at most once per renewInterval.
func (r *remoteKeys) renew(ctx context.Context) bool {
	done := r.requestFetch()
	if done != nil {
		r.await(ctx, done)
	}
	return done != nil
}

// requestFetch requests a fetch for renew. It returns a channel that is closed at the end of the fetch, or nil if the
// rate limiter forbids it.
func (r *remoteKeys) requestFetch() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requested != nil {
		return r.requested
	}
	if !r.renewals.Allow() {
		return nil
	}
	r.requested = r.next
	select {
	case r.fetchNow <- struct{}{}:
	default:
	}
	return r.requested
}

// current returns the keys, unless they are too old. It waits for the first fetch.
func (r *remoteKeys) current(ctx context.Context) ([]key, error) {
	r.await(ctx, r.first)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stale() {
		return nil, refused(Unavailable, "the keys could not be fetched")
	}
	return r.keys, nil
}

// await waits until done is closed, ctx is done, or run has returned.
func (r *remoteKeys) await(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	case <-r.ended:
	}
}

// stale reports whether there are no keys, or they are too old to be used; mu is held.
func (r *remoteKeys) stale() bool { return r.fetched.IsZero() || time.Since(r.fetched) > r.maxStale }

func (r *remoteKeys) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{Fetched: r.fetched, Stale: r.stale(), Err: r.err}
}
